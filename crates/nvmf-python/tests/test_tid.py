# SPDX-License-Identifier: MIT OR Apache-2.0
import nvmf
import pytest

IOC = "transport=tcp;traddr=192.0.2.10;trsvcid=4420;nqn=nqn.2014-08.org.example:a"


def test_text_and_fields():
    tid = nvmf.TransportId("traddr=::ffff:192.0.2.10;" + IOC.replace("traddr=192.0.2.10;", ""))
    assert str(tid) == IOC
    assert tid.log_form() == "(tcp, 192.0.2.10, 4420, nqn.2014-08.org.example:a)"
    assert (tid.transport, tid.traddr, tid.trsvcid) == ("tcp", "192.0.2.10", "4420")
    assert (tid.nqn, tid.host_traddr, tid.host_iface) == ("nqn.2014-08.org.example:a", None, None)
    assert (tid.hostnqn, tid.hostid) == (None, None)
    assert eval(repr(tid), {"TransportId": nvmf.TransportId}) == tid


def test_from_fields():
    tid = nvmf.TransportId.from_fields(
        transport="tcp",
        nqn="nqn.2014-08.org.example:a",
        traddr="fe80::1%eth0",
        trsvcid="8009",
        host_traddr="fe80::2",
        host_iface="eth0",
        hostnqn="nqn.2014-08.org.example:h",
        hostid="F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6",
    )
    assert (tid.traddr, tid.host_traddr, tid.host_iface) == ("fe80::1%eth0", "fe80::2", "eth0")
    assert tid.hostid == "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"
    assert nvmf.TransportId(str(tid)) == tid


def test_ids_are_values():
    tid, same = nvmf.TransportId(IOC), nvmf.TransportId(IOC)
    other = nvmf.TransportId(IOC.replace("4420", "4421"))
    assert tid == same and tid != other and tid != IOC
    assert len({tid, same, other}) == 2


@pytest.mark.parametrize(
    "text, reason",
    [
        ("", "field `transport` is missing"),
        ("transport=pcie", "unknown transport `pcie`"),
        ("transport=tcp;traddr=host.example;nqn=x", "not a numeric IP address"),
    ],
)
def test_what_is_none(text, reason):
    with pytest.raises(nvmf.InvalidInput, match=reason):
        nvmf.TransportId(text)
