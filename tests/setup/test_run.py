"""`make run` itself: real processes, from the first line to the last one gone."""

import os
import signal
import socket
import stat
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
READY = "CalSync is ready. Ctrl-C ends it."

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")


class Run:
    """One `make run` on a folder of its own; started and ended as often as a test likes."""

    def __init__(self, instance: Path, port: int) -> None:
        self.instance = instance
        self.port = port
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        self.process = self.open()
        said = []
        for line in self.process.stdout:
            said.append(line)
            if line.strip() == READY:
                return
        pytest.fail("never ready:\n" + "".join(said))

    def open(self, **more: str) -> subprocess.Popen[str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        environ = {"INSTANCE_PATH": str(self.instance), "PORT": str(self.port)}
        return subprocess.Popen(
            [sys.executable, "-m", "scripts.run"],
            cwd=ROOT,
            env=kept | environ | more,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def ask_to_end(self, how: signal.Signals) -> tuple[int, str]:
        """Its exit status, and what it said since it was ready."""
        self.process.send_signal(how)
        return self.outcome()

    def outcome(self) -> tuple[int, str]:
        said, _ = self.process.communicate(timeout=30)
        return self.process.returncode, said

    def processes(self) -> dict[int, str]:
        """Every process whose environment names this instance folder, with its command line."""
        mark = f"INSTANCE_PATH={self.instance}\0".encode()
        found = {}
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdecimal() and mark in (entry / "environ").read_bytes() + b"\0":
                    found[int(entry.name)] = (entry / "cmdline").read_text().replace("\0", " ")
            except OSError:
                continue
        return found

    def pid_of(self, words: str) -> int:
        return next(pid for pid, command in self.processes().items() if words in command)


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    one = Run(tmp_path / "instance", free_ports())
    yield one
    if one.process is not None:
        one.process.stdout.close()
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait()
    for pid in one.processes():
        os.kill(pid, signal.SIGKILL)


def free_ports() -> int:
    """The first of three free ports in a row."""
    for port in range(20_000 + os.getpid() % 10_000, 60_000, 3):
        try:
            for one in range(port, port + 3):
                socket.create_server(("127.0.0.1", one)).close()
        except OSError:
            continue
        return port
    raise AssertionError("no free ports")


def test_it_starts_ends_without_a_trace_and_starts_again(run):
    run.start()
    secrets = run.instance / "development.env"
    first = secrets.read_text()
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o600
    with urllib.request.urlopen(f"http://127.0.0.1:{run.port}/healthz", timeout=5) as answer:
        assert answer.status == 200

    # Another one, on the same folder and then on the same port: a line each, nothing started.
    second = run.open()
    said, _ = second.communicate(timeout=20)
    assert (second.returncode, said.count("\n")) == (1, 1)
    assert f"process {run.process.pid}" in said
    other = run.open(INSTANCE_PATH=f"{run.instance}-other")
    said, _ = other.communicate(timeout=20)
    assert (other.returncode, said.count("\n")) == (1, 1)
    assert f"Port {run.port} (CalSync) is taken" in said

    # Ctrl-C: gunicorn's workers are grandchildren, and must be gone too.
    assert len(run.processes()) >= 7
    code, said = run.ask_to_end(signal.SIGINT)
    assert code == 0, said
    assert "Traceback" not in said
    assert run.processes() == {}

    # The second start finds its secrets and data, and tells when a part of it dies.
    run.process.stdout.close()
    run.start()
    assert secrets.read_text() == first
    os.kill(run.pid_of("flask scheduler"), signal.SIGKILL)
    code, said = run.outcome()
    assert code == 1
    assert said.splitlines()[-1] == (
        "make run: scheduler ended by itself (signal 9), so all was ended."
    )
    assert run.processes() == {}
