# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a daemon like nvme-stas needs before it connects and before it disconnects.

Run alone it says what it would do: stas.py nvme3 TRANSPORT-ID [ROOT]
"""
import sys
import nvmf

ME = "stas"


class Orchestrator:
    def __init__(self, root=None):
        self.registry, self.exclusions = nvmf.Registry(root), nvmf.Exclusions(root)

    def connect(self, tid, connect):
        """Connects `tid` with `connect()`, which returns a name like nvme3, and enters it as ours."""
        if entry := self.exclusions.match(tid):
            return f"excluded by {entry.file}:{entry.line}"
        since, device = self.registry.seqnum(), connect()
        try:
            self.registry.register(device, ME, ino=self.registry.ino(device), since=since)
        except nvmf.OwnedByOther as other:  # somebody was faster: it is theirs now
            return f"{device} was claimed by {other.owner}"
        return f"{device} connected, ours"

    def disconnect(self, device, ino, disconnect):
        """Disconnects with `disconnect()` if it is still the same controller, and still ours."""
        owner = self.registry.owner(device, ino=ino)
        if owner != ME:
            return f"left alone: {device} is {owner or 'nobody'}'s"
        disconnect()
        return f"{device} disconnected"


if __name__ == "__main__":
    device, tid, *root = sys.argv[1:]
    daemon = Orchestrator(*root)
    print(daemon.connect(nvmf.TransportId(tid), connect=lambda: device))
    print(daemon.disconnect(device, daemon.registry.ino(device), disconnect=lambda: None))
