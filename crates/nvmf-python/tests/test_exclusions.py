# SPDX-License-Identifier: MIT OR Apache-2.0
import nvmf
import pytest

IOC = "transport=tcp;traddr=192.0.2.10;trsvcid=4420;nqn=nqn.2014-08.org.example:a"


@pytest.fixture
def exclusions(host):
    return nvmf.Exclusions(host)


def test_match_add_remove(host, exclusions):
    assert exclusions.entries() == []
    assert exclusions.match(IOC) is None
    assert exclusions.add("traddr=::ffff:192.0.2.10", comment="maintenance") is True
    assert exclusions.add("traddr=::ffff:192.0.2.10") is False
    assert exclusions.add("nqn=nqn.2014-08.org.example:b", list="lab") is True
    entry = exclusions.match(nvmf.TransportId(IOC))
    assert entry == exclusions.entries()[0]
    assert (entry.text, str(entry), entry.problem) == (
        "traddr=::ffff:192.0.2.10",
        "traddr=::ffff:192.0.2.10",
        None,
    )
    lines = (host / "etc/nvme/exclusions.conf").read_text().splitlines()
    assert lines[entry.line - 1] == "exclusion = traddr=::ffff:192.0.2.10"
    assert lines[entry.line - 2] == "# maintenance"
    assert entry.file == str(host / "etc/nvme/exclusions.conf")
    exclusions.remove("traddr=::ffff:192.0.2.10")
    assert exclusions.match(IOC) is None
    assert [entry.text for entry in exclusions.entries()] == ["nqn=nqn.2014-08.org.example:b"]
    for text, name in [("traddr=::1", None), ("nqn=a", "lab"), ("nqn=a", "none")]:
        with pytest.raises(nvmf.NoSuchEntry):
            exclusions.remove(text, list=name)


def test_a_discovery_controller_has_another_port(exclusions):
    exclusions.add("trsvcid=8009")
    tid = "transport=tcp;traddr=192.0.2.10;nqn=nqn.2014-08.org.example:dc"
    assert exclusions.match(tid) is None
    assert exclusions.match(tid, discovery=True)
    assert exclusions.match("transport=tcp;traddr=::1;nqn=nqn.2014-08.org.nvmexpress.discovery")


def test_what_excludes_nothing_is_shown(host, exclusions):
    (host / "etc/nvme/exclusions.conf").write_text("[exclusions]\nexclusion = trasport=tcp\n")
    (entry,) = exclusions.entries()
    assert "unknown field `trasport`" in entry.problem
    with pytest.raises(nvmf.InvalidInput, match="excludes nothing"):
        exclusions.add("nqn=a")
    (host / "etc/nvme/exclusions.conf").unlink()
    (host / "etc/nvme/exclusions.conf").mkdir()
    assert len(exclusions.problems()) == 1
    assert exclusions.match(IOC) is None
    with pytest.raises(nvmf.OperationFailed):
        exclusions.add("nqn=a")


@pytest.mark.parametrize("entry", ["", "nqn", "nqn=", "x=y"])
def test_invalid_entries(exclusions, entry):
    with pytest.raises(nvmf.InvalidInput):
        exclusions.add(entry)


def test_invalid_names(exclusions):
    with pytest.raises(nvmf.InvalidInput, match="no name of a list"):
        exclusions.add("nqn=a", list="../x")
    with pytest.raises(nvmf.InvalidInput, match="not a numeric IP address"):
        exclusions.match("transport=tcp;traddr=host.example;nqn=nqn.2014-08.org.example:a")
    with pytest.raises(TypeError):
        exclusions.match(7)
