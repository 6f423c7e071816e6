"""CalSync as production runs it, on either database, with every process in a test's hand."""

import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import requests

from tests.chaos.parts import ROOT, Database, Postgres, Process, Sqlite, Valkey
from tests.conftest import test_environment
from tests.support.services import free_ports, wait_until
from tests.support.stack import Sandboxed, clean_environment

BIN = Path(sys.executable).parent
# Each a setting. A call to Zoom or the mail server ends well inside the lease.
CLOCKS = {
    "SWEEP_SECONDS": "0.3",
    "ZOOM_CONNECT_SECONDS": "1",
    "ZOOM_READ_SECONDS": "2",
    "LEASE_SECONDS": "5",
    "RETRY_FIRST_SECONDS": "0.3",
    "RETRY_LONGEST_SECONDS": "2",
    "LINK_WAIT_SECONDS": "60",
    "ENQUEUE_AGAIN_SECONDS": "2",
}
DOCUMENTED_SCOPES = ["meeting:read:meeting", "meeting:write:meeting"]
COMMANDS = {
    "worker": [str(BIN / "flask"), "worker"],
    "scheduler": [str(BIN / "flask"), "scheduler"],
}


@dataclass
class World(Sandboxed):
    """The processes by name, the database and Valkey; what they printed since the test began."""

    engine: str
    base: str
    sandbox: str
    environ: dict[str, str]
    database: Database
    valkey: Valkey
    processes: dict[str, list[Process]] = field(default_factory=dict)
    _marks: dict[Process, int] = field(default_factory=dict)
    _ended: list[Process] = field(default_factory=list)

    @property
    def web(self) -> Process:
        return self.processes["web"][0]

    @property
    def worker(self) -> Process:
        return self.processes["worker"][0]

    @property
    def postgres(self) -> Postgres:
        assert isinstance(self.database, Postgres)
        return self.database

    def make_calm(self) -> None:
        """All services up, one of each process, no fault waiting, and the logs begin anew.

        What a failed test left broken is mended, so that it fails alone.
        """
        if not self.valkey.is_up:
            self.valkey.start()
        if isinstance(self.database, Postgres) and not self.database.is_up:
            self.database.start()
        if not self.processes["sandbox"]:
            self.start_sandbox()
        if not any(web.is_alive for web in self.processes["web"]):
            self.start_web()
        for kind in COMMANDS:
            self.have(kind, 1)
        requests.delete(f"{self.sandbox}/api/faults", timeout=10).raise_for_status()
        self.choose(scopes=DOCUMENTED_SCOPES, daily_limit=10_000, expires_in=3599)
        self._ended.clear()
        self._marks = {process: len(process.lines) for process in self._own()}

    def have(self, kind: str, number: int) -> None:
        """Exactly so many live processes of a kind: start or end some."""
        mine = self.processes.setdefault(kind, [])
        for process in [process for process in mine if not process.is_alive]:
            self._retire(kind, process)
        for process in mine:
            process.thaw()
        started = [self.start(kind) for _ in range(number - len(mine))]
        for process in mine[number:]:
            process.ask_to_end()
            assert process.wait() == 0, process.lines
            self._retire(kind, process)
        for process in started:
            process.wait_for(f"{kind} started")

    def start(self, kind: str) -> Process:
        """One more, without waiting for anything."""
        process = Process(kind, COMMANDS[kind], self.environ)
        self.processes.setdefault(kind, []).append(process)
        return process

    def kill_worker(self) -> None:
        """kill -9 the only worker, and leave its task under a lease until another comes."""
        worker = self.worker
        worker.kill()
        self._retire("worker", worker)

    def end_worker(self) -> int:
        """SIGTERM the only worker and wait for its exit status."""
        worker = self.worker
        worker.ask_to_end()
        status = worker.wait()
        self._retire("worker", worker)
        return status

    def start_web(self) -> None:
        command = production_command()
        command[command.index("--bind") + 1] = self.base.removeprefix("http://")
        self.processes["web"] = [
            Process("web", [str(BIN / command[0]), *command[1:]], self.environ)
        ]
        wait_until(self._answers, "the web server", patience=60)

    def end_web(self) -> int:
        """Wait for the exit status of a web server that was asked to end."""
        web = self.web
        status = web.wait()
        self._retire("web", web)
        return status

    def start_sandbox(self) -> None:
        sandbox = Process("sandbox", [sys.executable, "-m", "sandbox"], self.environ)
        self.processes["sandbox"] = [sandbox]
        sandbox.wait_for("sandbox ready")

    def stop_sandbox(self) -> None:
        """Zoom and the mail server are gone: their ports are closed."""
        sandbox = self.processes["sandbox"].pop()
        sandbox.ask_to_end()
        assert sandbox.wait() == 0

    def choose(self, **settings: object) -> None:
        """Change the sandbox's settings."""
        requests.post(f"{self.sandbox}/api/settings", json=settings, timeout=10).raise_for_status()

    def faults_left(self) -> int:
        """How many ordered faults have not happened yet."""
        waiting = requests.get(f"{self.sandbox}/api/faults", timeout=10).json()
        return sum(fault["count"] for fault in waiting)

    def wait_for_fault(self) -> None:
        """Until the fault that was ordered happens."""
        wait_until(lambda: self.faults_left() == 0, "the fault to happen", patience=30)

    def meetings(self, user: str) -> list[dict]:
        """What exists at the sandbox for one of its users."""
        everything = requests.get(f"{self.sandbox}/api/meetings", timeout=10).json()
        return [meeting for meeting in everything if meeting["user"] == user]

    def calls(self) -> list[dict]:
        """What was asked of Zoom, the oldest first; `status` is None while a call goes on."""
        calls: list[dict] = requests.get(f"{self.sandbox}/api/calls", timeout=10).json()
        return calls

    def rows(self, statement: str) -> list[dict]:
        return self.database.rows(statement)

    def log(self) -> list[str]:
        """What CalSync's own processes have printed since the test began."""
        return [
            line
            for process in [*self._own(), *self._ended]
            for line in process.lines[self._marks.get(process, 0) :]
        ]

    def close(self) -> None:
        for processes in (self._own(), self.processes.get("sandbox", [])):
            for process in processes:
                process.ask_to_end()
            for process in processes:
                process.wait()
        if self.valkey.is_up:
            self.valkey.stop()
        self.database.close()

    def _own(self) -> list[Process]:
        return [process for kind in ("web", *COMMANDS) for process in self.processes.get(kind, [])]

    def _retire(self, kind: str, process: Process) -> None:
        self.processes[kind].remove(process)
        self._ended.append(process)

    def _answers(self) -> bool:
        assert self.web.is_alive, "\n".join(self.web.lines)
        try:
            return requests.get(f"{self.base}/healthz", timeout=2).ok
        except requests.RequestException:
            return False


@contextmanager
def running_world(engine: str, folder: Path) -> Iterator[World]:
    """Everything, ready; ended and stopped afterwards, the services last."""
    port, sandbox_port, smtp_port = free_ports(3)
    valkey = Valkey(folder)
    database: Database = Sqlite(folder) if engine == "sqlite" else Postgres()
    environ = environment(folder, port, sandbox_port, smtp_port)
    environ |= {"DATABASE_URL": database.url, "REDIS_URL": valkey.url}
    sandbox = environ["SANDBOX_URL"]
    world = World(engine, environ["PUBLIC_BASE_URL"], sandbox, environ, database, valkey)
    try:
        valkey.start()
        migration = Process("migrate", [str(BIN / "flask"), "db", "upgrade"], environ)
        world.start_sandbox()
        world.start_web()
        assert migration.wait(60) == 0, "\n".join(migration.lines)
        yield world
    finally:
        world.close()


def environment(folder: Path, port: int, sandbox_port: int, smtp_port: int) -> dict[str, str]:
    """Production's settings as far as loopback allows: its limits are on, each client has an address."""
    sandbox = f"http://127.0.0.1:{sandbox_port}"
    more = {
        "PATH": f"{BIN}:/usr/bin:/bin",
        "FLASK_APP": "wsgi.py",
        "PYTHONUNBUFFERED": "1",
        "PUBLIC_BASE_URL": f"http://127.0.0.1:{port}",
        "PROXY_HOPS": "1",
        "RATELIMIT_ENABLED": "true",
        "LOG_LEVEL": "INFO",
        "SMTP_URL": f"smtp://127.0.0.1:{smtp_port}",
        "ZOOM_OAUTH_BASE_URL": sandbox,
        "ZOOM_API_BASE_URL": f"{sandbox}/v2",
        "SANDBOX_URL": sandbox,
        "SANDBOX_PORT": str(sandbox_port),
        "SANDBOX_SMTP_PORT": str(smtp_port),
        "SANDBOX_DATABASE": str(folder / "sandbox.db"),
    }
    return clean_environment() | test_environment(folder, **more) | CLOCKS


def production_command() -> list[str]:
    """What the image runs when nobody says otherwise."""
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    command: list[str] = json.loads(re.findall(r"^CMD (\[.+\])$", dockerfile, re.MULTILINE)[-1])
    return command


_numbers = count(1)


def next_address() -> str:
    """An address of the Internet for one more visitor, in a network of its own: limits count by it."""
    number = next(_numbers)
    return f"203.{number // 250}.{number % 250}.7"
