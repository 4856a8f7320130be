# SPDX-License-Identifier: MIT OR Apache-2.0
import pytest


@pytest.fixture
def host(tmp_path):
    """A host of files: nvme0 is local, nvme3 and nvme4 are fabrics controllers."""
    for folder in ["run", "etc/nvme", "sys/kernel"]:
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "sys/kernel/uevent_seqnum").write_text("4711\n")
    for device, transport in [("nvme0", "pcie"), ("nvme3", "tcp"), ("nvme4", "rdma")]:
        controller = tmp_path / "sys/class/nvme" / device
        controller.mkdir(parents=True)
        (controller / "transport").write_text(transport + "\n")
        (controller / "state").write_text("live\n")
        (controller / "delete_controller").touch()
    return tmp_path
