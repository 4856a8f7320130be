# SPDX-License-Identifier: MIT OR Apache-2.0
"""Examples and documentation say what is true."""

import pathlib
import re
import subprocess
import sys

import nvmf

HERE = pathlib.Path(__file__).parent
TID = "transport=tcp;traddr=192.0.2.10;nqn=nqn.2014-08.org.example:a"


def test_example(host):
    def run():
        script = HERE.parent / "examples/stas.py"
        command = [sys.executable, str(script), "nvme3", TID, str(host)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    registry = nvmf.Registry(host)
    ours = "nvme3 connected, ours\nnvme3 disconnected\n"
    assert run() == ours
    registry.set("nvme3", "owner", "discoverd")
    theirs = "nvme3 was claimed by discoverd\nleft alone: nvme3 is discoverd's\n"
    assert run() == theirs
    nvmf.Exclusions(host).add("transport=tcp")
    assert run().startswith(f"excluded by {host}/etc/nvme/exclusions.conf:")


def test_documentation(host, monkeypatch, capsys):
    text = (HERE / "../../../docs/python.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```\n(?:\n```\n(.*?)```\n)?", text, re.S)
    assert len(blocks) >= 2
    real = {name: getattr(nvmf, name) for name in ["Registry", "Exclusions"]}
    for name, kind in real.items():
        monkeypatch.setattr(nvmf, name, lambda kind=kind: kind(host))
    names = {}
    for code, expected in blocks:
        exec(code, names)
        assert capsys.readouterr().out == expected


def test_everything_is_documented():
    for name in dir(nvmf):
        if name.startswith("_") or name == "nvmf":
            continue
        kind = getattr(nvmf, name)
        assert kind.__doc__, name
        for member, value in vars(kind).items():
            if not member.startswith("_"):
                assert value.__doc__, f"{name}.{member}"


def test_errors_have_one_base():
    kinds = [kind for kind in vars(nvmf).values() if isinstance(kind, type)]
    errors = [kind for kind in kinds if issubclass(kind, Exception)]
    assert len(errors) == 6
    assert all(issubclass(error, nvmf.Error) for error in errors)
