"""The supervisor with small processes: stubborn ones, ones with children, an early Ctrl-C."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")

SUPERVISE = textwrap.dedent(
    """
    import os, sys
    from pathlib import Path
    from scripts import supervisor
    supervisor.PATIENCE = 0.5
    commands = dict(zip("abc", sys.argv[1:]))
    s = supervisor.Supervisor(list(commands), os.environ, Path("."))
    for name, command in commands.items():
        s.start(name, command)
    s.say("up")
    s.wait(lambda: s.interrupted or bool(s.dead()))
    print(s.interrupted, s.dead(), flush=True)
    s.stop(last=set())
    """
)
STUBBORN = "sh -c 'trap \"\" TERM; echo deaf; while :; do sleep 0.05; done'"
# A grandchild that left its parent's process group, as RQ's and gunicorn's may.
RUNAWAY = f"{sys.executable} -c 'import os, time; os.fork() or os.setpgid(0, 0); time.sleep(60)'"


@pytest.fixture
def mark() -> str:
    return f"SUPERVISED={os.getpid()}-{time.monotonic_ns()}"


def supervise(mark: str, *commands: str) -> subprocess.Popen[str]:
    name, _, value = mark.partition("=")
    return subprocess.Popen(
        [sys.executable, "-c", SUPERVISE, *commands],
        cwd=ROOT,
        env=os.environ | {name: value},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def marked(mark: str) -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdecimal() and mark.encode() in (entry / "environ").read_bytes():
                found.append((entry / "cmdline").read_text())
        except OSError:
            continue
    return found


def eventually_none(mark: str) -> bool:
    for _ in range(100):
        if not marked(mark):
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_stubborn_processes_and_runaway_grandchildren(mark, how):
    process = supervise(mark, STUBBORN, RUNAWAY)
    heard = ""
    while "deaf" not in heard:
        heard += process.stdout.readline()
    process.send_signal(how)
    said, _ = process.communicate(timeout=20)
    assert (process.returncode, "True {}" in said) == (0, True), said
    assert marked(mark) == []


def test_a_killed_supervisor_takes_its_processes_along(mark):
    process = supervise(mark, "sleep 60", "sleep 60")
    assert process.stdout.readline().strip() == "up"
    process.kill()
    process.communicate(timeout=20)
    assert eventually_none(mark)


def test_output_is_shown_whole_even_without_a_final_newline(mark):
    process = supervise(mark, "printf 'one\\ntwo'", "sleep 60")
    said, _ = process.communicate(timeout=20)
    assert "| one\n" in said
    assert "| two\n" in said
    assert "{'a': 0}" in said
    assert marked(mark) == []
