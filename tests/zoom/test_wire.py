"""Connections to Zoom that fail: before the request left, or after."""

import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from flask import Flask

from app.core.config import Settings
from app.outbox import OutcomeUnknown, Unavailable
from app.zoom import api
from tests.support.services import free_ports
from tests.zoom.api_steps import ACCESS, wanted


@contextmanager
def listening(then: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that takes one request and then does what `then` does."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _address = server.accept()
            with connection:
                connection.recv(65_536)
                then(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/v2"
        thread.join(timeout=5)


def test_a_connection_that_was_never_made_is_worth_another_try(
    app: Flask, change_settings: Callable[..., Settings]
) -> None:
    change_settings(zoom_api_base_url=f"http://127.0.0.1:{free_ports(1)[0]}/v2")
    with pytest.raises(Unavailable) as error:
        api.create_meeting(ACCESS, wanted())
    assert not isinstance(error.value, OutcomeUnknown)


def test_a_name_that_does_not_resolve_is_worth_another_try(
    app: Flask, change_settings: Callable[..., Settings]
) -> None:
    change_settings(zoom_api_base_url="http://zoom.invalid/v2")
    with pytest.raises(Unavailable) as error:
        api.create_meeting(ACCESS, wanted())
    assert not isinstance(error.value, OutcomeUnknown)


def test_a_connection_that_fails_after_the_request_left_leaves_the_outcome_unknown(
    app: Flask, change_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    """TLS breaks under the answer, which requests names as it names a failed handshake."""
    authority = make_certificate(tmp_path)
    server_side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server_side.load_cert_chain(authority)

    def fail(connection: socket.socket) -> None:
        with server_side.wrap_socket(connection, server_side=True) as private:
            private.recv(65_536)
            # What is not TLS arrives in the midst of it.
            os.write(private.fileno(), b"HTTP/1.1 502 Bad Gateway\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=lambda: fail(server.accept()[0]))
        thread.start()
        port = server.getsockname()[1]
        change_settings(zoom_api_base_url=f"https://127.0.0.1:{port}/v2")
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("REQUESTS_CA_BUNDLE", str(authority))
            with pytest.raises(OutcomeUnknown):
                api.create_meeting(ACCESS, wanted())
        thread.join(timeout=5)


def make_certificate(folder: Path) -> Path:
    """A certificate of its own for 127.0.0.1, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    path.write_bytes(
        certificate.public_bytes(Encoding.PEM)
        + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    return path


@pytest.mark.parametrize("fault", ["not trusted", "no TLS", "hangs up"])
def test_a_handshake_that_fails_is_worth_another_try(
    app: Flask, change_settings: Callable[..., Settings], tmp_path: Path, fault: str
) -> None:
    """Nothing has left then."""
    server_side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server_side.load_cert_chain(make_certificate(tmp_path))

    def greet(connection: socket.socket) -> None:
        if fault == "not trusted":
            with suppress(OSError):
                server_side.wrap_socket(connection, server_side=True)
            return
        with connection:
            connection.recv(65_536)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" if fault == "no TLS" else b"")

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=lambda: greet(server.accept()[0]))
        thread.start()
        change_settings(zoom_api_base_url=f"https://127.0.0.1:{server.getsockname()[1]}/v2")
        with pytest.raises(Unavailable) as error:
            api.create_meeting(ACCESS, wanted())
        thread.join(timeout=5)
    assert not isinstance(error.value, OutcomeUnknown)


def test_an_answer_that_does_not_come_leaves_the_outcome_unknown(
    app: Flask, change_settings: Callable[..., Settings]
) -> None:
    answered = threading.Event()
    with listening(lambda _connection: answered.wait(5)) as address:
        change_settings(zoom_api_base_url=address, zoom_read_timeout=timedelta(milliseconds=100))
        with pytest.raises(OutcomeUnknown):
            api.create_meeting(ACCESS, wanted())
        answered.set()


@pytest.mark.parametrize(
    "last_words", [b"", b"HTTP/1.1 201 Created\r\nContent-Length: 99\r\n\r\n{"]
)
def test_a_connection_that_breaks_leaves_the_outcome_unknown(
    app: Flask, change_settings: Callable[..., Settings], last_words: bytes
) -> None:
    with listening(lambda connection: connection.sendall(last_words)) as address:
        change_settings(zoom_api_base_url=address)
        with pytest.raises(OutcomeUnknown):
            api.create_meeting(ACCESS, wanted())
