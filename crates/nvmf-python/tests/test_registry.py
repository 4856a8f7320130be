# SPDX-License-Identifier: MIT OR Apache-2.0
import errno
import select
import signal
import subprocess
import sys
import threading
from pathlib import Path

import nvmf
import pytest


@pytest.fixture
def registry(host):
    return nvmf.Registry(host)


def test_owners(registry):
    assert registry.owner("nvme3") is None
    assert registry.claim("nvme3", "me") is True
    assert registry.claim("nvme3", "me") is False
    assert registry.owner("/dev/nvme3") == "me"
    with pytest.raises(nvmf.OwnedByOther, match="owned by `me`") as other:
        registry.claim("nvme3", "you")
    assert (other.value.device, other.value.owner) == ("nvme3", "me")
    with pytest.raises(nvmf.OwnedByOther):
        registry.release("nvme3", "you")
    assert registry.release("nvme3", "me") is True
    assert registry.release("nvme3", "me") is False


def test_another_incarnation_is_another_controller(registry):
    ino = registry.ino("nvme3")
    assert registry.claim("nvme3", "me", ino=ino)
    assert registry.owner("nvme3", ino=ino) == "me"
    assert registry.owner("nvme3", ino=ino + 1) is None
    for device in ["nvme9", "nvme0"]:
        with pytest.raises(nvmf.NoSuchController) as gone:
            registry.ino(device)
        assert gone.value.device == device
    with pytest.raises(nvmf.NoSuchController):
        registry.claim("nvme3", "me", ino=ino + 1)
    with pytest.raises(nvmf.NoSuchController):
        registry.claim("nvme0", "me")


def test_register(registry):
    ino, since = registry.ino("nvme4"), registry.seqnum()
    assert since == 4711
    registry.register("nvme4", "me", ino=ino, since=since)
    with pytest.raises(nvmf.OwnedByOther):
        registry.register("nvme4", "you", ino=ino)
    registry.register("nvme3", None, ino=registry.ino("nvme3"))
    with pytest.raises(nvmf.NoSuchController):
        registry.register("nvme4", "me", ino=ino + 1)


def test_disconnect(host, registry):
    def deleted(device):
        return (host / f"sys/class/nvme/{device}/delete_controller").read_text()

    ino = registry.ino("nvme3")
    assert registry.disconnect("nvme3", "me", ino=ino) is False
    registry.claim("nvme3", "you")
    with pytest.raises(nvmf.OwnedByOther):
        registry.disconnect("nvme3", "me", ino=ino)
    for device, number in [("nvme3", ino + 1), ("nvme9", ino), ("nvme0", ino)]:
        with pytest.raises(nvmf.NoSuchController):
            registry.disconnect(device, "you", ino=number)
    assert deleted("nvme3") == ""
    assert registry.disconnect("nvme3", "you", ino=ino) is True
    assert (deleted("nvme3"), deleted("nvme4"), deleted("nvme0")) == ("1", "", "")


def test_entries_and_attributes(registry):
    assert registry.entries() == []
    registry.claim("nvme4", "you")
    registry.claim("nvme3", "me")
    registry.set("nvme3", "volume", 'pvc 0042 "ä"')
    assert registry.get("nvme3", "volume") == 'pvc 0042 "ä"'
    first, second = registry.entries()
    assert (first.device, first.owner) == ("nvme3", "me")
    assert first.attributes["volume"] == 'pvc 0042 "ä"'
    assert (second.device, second.owner, repr(second)) == (
        "nvme4",
        "you",
        "<nvmf.Entry nvme4 of you>",
    )
    registry.set("nvme3", "volume", None)
    assert registry.get("nvme3", "volume") is None
    with pytest.raises(nvmf.NoSuchEntry):
        registry.set("nvme3", "volume", None)


@pytest.mark.parametrize(
    "device, attribute, value",
    [
        ("../nvme3", "volume", "x"),
        ("nvme3", "../volume", "x"),
        ("nvme3", "volume", "two\nlines"),
        ("nvme3", "sysfs-ino", "1"),
        ("nvme3", "owner", "two words"),
    ],
)
def test_invalid_input(registry, device, attribute, value):
    with pytest.raises(nvmf.InvalidInput):
        registry.set(device, attribute, value)


def test_files_that_cannot_be_written(host, registry):
    (host / "run/nvme").write_text("no folder")
    with pytest.raises(nvmf.OperationFailed, match="cannot claim") as failed:
        registry.claim("nvme3", "me")
    assert failed.value.errno == errno.ENOTDIR
    assert isinstance(failed.value, nvmf.Error)


def test_one_of_many_threads_is_granted(registry):
    start, granted = threading.Barrier(8), []

    def claim(name):
        start.wait()
        try:
            registry.claim("nvme3", name)
            granted.append(name)
        except nvmf.OwnedByOther as other:
            assert other.owner != name

    threads = [threading.Thread(target=claim, args=[f"t{n}"]) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert granted == [registry.owner("nvme3")]


def test_watch_in_an_event_loop(registry):
    watch = registry.watch()
    assert watch.changes() == []
    registry.claim("nvme3", "me")
    assert select.select([watch], [], [])[0] == [watch]
    (change,) = watch.changes()
    assert (change.device, change.kind, change.before, change.after) == (
        "nvme3",
        "appeared",
        None,
        "me",
    )
    assert str(change) == "nvme3 appeared, owned by `me`"


def test_watch_waits(registry):
    """The iterator waits without keeping other threads from running."""
    watch = registry.watch()
    later = threading.Thread(target=registry.claim, args=["nvme3", "me"])
    later.start()
    change = next(watch)
    later.join()
    assert change.after == "me"
    registry.set("nvme3", "note", "x")
    registry.release("nvme3", "me")
    assert [next(watch).attribute for _ in range(2)] == ["note", "owner"]


def test_watch_hears_ctrl_c(host):
    program = (
        "import nvmf, sys; watch = nvmf.Registry(sys.argv[1]).watch(); "
        "print('waits', flush=True); next(watch)"
    )
    command = [sys.executable, "-c", program, str(host)]
    # shells have what they start in the background ignore it
    heed = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, **pipes, **heed) as waiting:
        assert waiting.stdout.readline() == b"waits\n"
        while Path(f"/proc/{waiting.pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "R":
            pass  # it is on its way to wait
        for _ in range(30):
            waiting.send_signal(signal.SIGINT)
            try:
                waiting.wait(timeout=1)
                break
            except subprocess.TimeoutExpired:
                pass
        waiting.kill()
        assert b"KeyboardInterrupt" in waiting.stderr.read()
