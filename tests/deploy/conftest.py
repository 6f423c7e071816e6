"""A server that writes down what reaches it, and each proxy in front of it."""

import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.support.proxies import HOST, KINDS, program, running_proxy


@dataclass
class Seen:
    """The requests that have reached the server whole: method, headers, body."""

    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def upstream() -> Iterator[tuple[int, Seen]]:
    seen = Seen()

    class Recorder(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            seen.requests.append((self.command, {}, b""))  # its head is here, its body may not be
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            seen.requests[-1] = (self.command, headers, body)
            self.send_response(204)
            self.end_headers()

        do_GET = do_POST  # noqa: N815

        def log_message(self, *_args: object) -> None:
            pass

    server = ThreadingHTTPServer((HOST, 0), Recorder)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_port, seen
    server.shutdown()
    server.server_close()
    thread.join()


@dataclass(frozen=True)
class Proxy:
    """A proxy that listens with TLS, and the certificate to trust."""

    port: int
    certificate: Path
    seen: Seen

    @property
    def base(self) -> str:
        return f"https://{HOST}:{self.port}"

    def connect(self) -> socket.socket:
        context = ssl.create_default_context(cafile=str(self.certificate))
        plain = socket.create_connection((HOST, self.port), timeout=10)
        return context.wrap_socket(plain, server_hostname=HOST)


@pytest.fixture(params=KINDS)
def proxy(
    request: pytest.FixtureRequest, upstream: tuple[int, Seen], tmp_path: Path
) -> Iterator[Proxy]:
    kind = str(request.param)
    if program(kind) is None:
        pytest.skip(f"{kind} is not on this machine")
    port, seen = upstream
    with running_proxy(kind, tmp_path, port) as (listens_on, certificate):
        yield Proxy(listens_on, certificate, seen)
