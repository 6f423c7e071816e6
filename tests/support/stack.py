"""CalSync as `make run` starts it: the real processes on free ports and a folder of their own."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.support.services import create_database, free_ports, wait_until

ROOT = Path(__file__).resolve().parents[2]
READY = "CalSync is ready"
# Settings for people who wait for nobody: a link, a further attempt, a task that is due.
CLOCKS = {
    "LINK_WAIT_SECONDS": "4",
    "RETRY_FIRST_SECONDS": "0.5",
    "RETRY_LONGEST_SECONDS": "2",
    "SWEEP_SECONDS": "0.5",
    "RATELIMIT_ENABLED": "false",
}


class Sandboxed:
    """What a test does to a running sandbox: look into its mailbox, make it fail."""

    sandbox: str

    def mails(self, to: str) -> list[dict[str, Any]]:
        """What has arrived for an address, the newest first."""
        answer = requests.get(f"{self.sandbox}/api/mails", params={"to": to}, timeout=10)
        mails: list[dict[str, Any]] = answer.json()
        return mails

    def wait_for_mails(self, to: str, count: int) -> list[dict[str, Any]]:
        def arrived() -> list[dict[str, Any]] | None:
            mails = self.mails(to)
            return mails if len(mails) >= count else None

        return wait_until(arrived, f"{count} mails to {to}")

    def fault(self, kind: str, count: int = 1, **more: Any) -> None:
        """Let the sandbox fail on its next calls of that kind."""
        requests.post(
            f"{self.sandbox}/api/faults", json={"kind": kind, "count": count} | more, timeout=10
        ).raise_for_status()

    def clear_faults(self) -> None:
        """Let the sandbox work again."""
        requests.delete(f"{self.sandbox}/api/faults", timeout=10).raise_for_status()


@dataclass
class Stack(Sandboxed):
    """A running CalSync: its addresses, folder and database, and all that it has printed."""

    base: str
    sandbox: str
    instance: Path
    database_url: str
    process: subprocess.Popen[str]
    printed: list[str] = field(default_factory=list)


@contextmanager
def running_stack(instance: Path, **environ: str) -> Iterator[Stack]:
    """`make run` without its set-up, ready; ended by the signal that Ctrl-C sends."""
    port, sandbox_port, _smtp_port = free_ports(3)
    process = subprocess.Popen(
        [sys.executable, "-m", "scripts.run"],
        cwd=ROOT,
        env=clean_environment() | {"INSTANCE_PATH": str(instance), "PORT": str(port)} | environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    stack = Stack(
        f"http://127.0.0.1:{port}",
        f"http://127.0.0.1:{sandbox_port}",
        instance,
        environ.get("DATABASE_URL", f"sqlite:///{instance / 'calsync.db'}"),
        process,
    )
    reader = threading.Thread(target=_read, args=(stack,), daemon=True)
    reader.start()
    try:
        wait_until(lambda: _is_ready(stack), "the ready line", patience=120)
        yield stack
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)
        reader.join(timeout=10)
        process.stdout.close()  # type: ignore[union-attr]


@contextmanager
def running_stack_on(engine: str, request: pytest.FixtureRequest) -> Iterator[Stack]:
    """CalSync in a folder and on a database of its own, which waits but shortly."""
    environ = dict(CLOCKS)
    if engine == "postgresql":
        server = request.getfixturevalue("postgres")
        environ["DATABASE_URL"] = create_database(server, "calsync_stack")
    folder = request.getfixturevalue("tmp_path_factory").mktemp(f"stack-{engine}")
    with running_stack(folder, **environ) as running:
        yield running


def clean_environment() -> dict[str, str]:
    """This process' environment without settings of CalSync's that a developer may have set."""
    ours = ("ZOOM_", "SMTP_", "REDIS_", "DATABASE_", "PUBLIC_", "SECRET_", "TOKEN_", "SANDBOX_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


def _read(stack: Stack) -> None:
    assert stack.process.stdout is not None
    for line in stack.process.stdout:
        stack.printed.append(line.rstrip())


def _is_ready(stack: Stack) -> bool:
    if stack.process.poll() is not None:
        raise AssertionError("CalSync did not start:\n" + "\n".join(stack.printed))
    return any(READY in line for line in stack.printed)
