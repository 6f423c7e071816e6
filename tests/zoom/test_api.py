"""Each row of the contract's answer table, on the wire."""

import json
import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta, timezone
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
import responses
import time_machine
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from flask import Flask

from app.core.config import Settings
from app.outbox import OutcomeUnknown, Refused, Unavailable
from app.zoom import api
from app.zoom.values import Access
from tests.conftest import ZOOM_API
from tests.support.services import free_ports

MEETINGS = f"{ZOOM_API}/users/me/meetings"
MEETING = f"{ZOOM_API}/meetings/85012345678"
NOON = datetime(2026, 11, 3, 12, 0, tzinfo=UTC)
ACCESS = Access("access-1", frozenset(), NOON)


def wanted(**more: Any) -> api.MeetingRequest:
    values = {
        "topic": "Consultation: Ken Yamada",
        "agenda": "CalSync abcdefghjk",
        "starts_at": datetime(2026, 11, 4, 0, 0, tzinfo=timezone(timedelta(hours=9))),
        "minutes": 45,
        "timezone": "Asia/Tokyo",
    } | more
    return api.MeetingRequest(**values)


def made(**more: Any) -> dict[str, Any]:
    return {
        "id": 85012345678,
        "uuid": "4444AAAiAAAAAiAiAiiAii==",
        "host_id": "host-1",
        "host_email": "aya@zoom.example",
        "join_url": "https://zoom.example/j/85012345678?pwd=x",
        "start_url": "https://zoom.example/s/85012345678?zak=secret",
        "password": "123456",
    } | more


def create(wire: responses.RequestsMock, **answer: Any) -> api.Meeting:
    wire.post(MEETINGS, **answer)
    return api.create_meeting(ACCESS, wanted())


def test_the_request_says_exactly_what_the_contract_says(
    app: Flask, wire: responses.RequestsMock
) -> None:
    create(wire, status=201, json=made())
    request = wire.calls[0].request
    assert request.headers["Authorization"] == "Bearer access-1"
    assert json.loads(request.body) == {
        "topic": "Consultation: Ken Yamada",
        "type": 2,
        "start_time": "2026-11-03T15:00:00Z",
        "duration": 45,
        "timezone": "Asia/Tokyo",
        "agenda": "CalSync abcdefghjk",
        "default_password": True,
        "settings": {
            "use_pmi": False,
            "join_before_host": False,
            "waiting_room": True,
            "mute_upon_entry": True,
            "approval_type": 2,
            "auto_recording": "none",
        },
    }


def test_topic_and_agenda_are_cut_to_what_zoom_takes(
    app: Flask, wire: responses.RequestsMock
) -> None:
    wire.post(MEETINGS, status=201, json=made())
    api.create_meeting(ACCESS, wanted(topic="相" * 201, agenda="a" * 2001))
    sent = json.loads(wire.calls[0].request.body)
    assert len(sent["topic"]) == 200
    assert len(sent["agenda"]) == 2000


def test_a_made_meeting_is_kept_without_its_start_url(
    app: Flask, wire: responses.RequestsMock
) -> None:
    meeting = create(wire, status=201, json=made())
    assert meeting == api.Meeting(
        id=85012345678,
        join_url="https://zoom.example/j/85012345678?pwd=x",
        passcode="123456",
        host_id="host-1",
        host_email="aya@zoom.example",
    )
    assert "zak" not in repr(meeting)


def test_a_meeting_may_come_without_a_passcode(app: Flask, wire: responses.RequestsMock) -> None:
    answer = made()
    del answer["password"]
    assert create(wire, status=201, json=answer).passcode is None


@pytest.mark.parametrize(
    ("password", "passcode"),
    [(123456, "123456"), ("", None), (None, None), (["1"], None), ("x" * 65, None), ("\0", None)],
)
def test_a_passcode_of_another_form_does_not_cost_the_meeting(
    app: Flask, wire: responses.RequestsMock, password: object, passcode: str | None
) -> None:
    assert create(wire, status=201, json=made(password=password)).passcode == passcode
    wire.get(MEETING, json=made(password=password))
    assert api.read_meeting(ACCESS, 85012345678).passcode == passcode


def test_an_id_beyond_32_bits_is_kept_whole(app: Flask, wire: responses.RequestsMock) -> None:
    assert create(wire, status=201, json=made(id=99_999_999_999)).id == 99_999_999_999


@pytest.mark.parametrize("answer", [{"status": 401}, {"status": 400, "json": {"code": 124}}])
def test_a_refused_token_is_told_apart(
    app: Flask, wire: responses.RequestsMock, answer: dict[str, Any]
) -> None:
    with pytest.raises(api.TokenRefused):
        create(wire, **answer)


@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [
        (400, 4711, "zoom_scope_missing"),
        (400, 4700, "zoom_scope_missing"),
        (400, 300, "zoom_refused"),
        (400, 3000, "zoom_refused"),
        (400, 3161, "zoom_refused"),
        (404, 1001, "zoom_user_gone"),
        (404, 3001, "zoom_meeting_gone"),
        (403, None, "zoom_refused"),
    ],
)
def test_what_cannot_be_helped_is_refused_in_zooms_own_words(
    app: Flask, wire: responses.RequestsMock, status: int, code: int | None, reason: str
) -> None:
    with pytest.raises(Refused) as refusal:
        create(wire, status=status, json={"code": code, "message": "Zoom's own words."})
    assert refusal.value.reason == reason
    assert refusal.value.words == "Zoom's own words."


@pytest.mark.parametrize("code", [[124], {"code": 124}, "one"])
def test_a_refusal_whose_code_is_no_number_is_a_refusal(
    app: Flask, wire: responses.RequestsMock, code: object
) -> None:
    with pytest.raises(Refused) as refusal:
        create(wire, status=400, json={"code": code, "message": "No."})
    assert refusal.value.reason == "zoom_refused"


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_an_ill_zoom_is_worth_another_try(
    app: Flask, wire: responses.RequestsMock, status: int
) -> None:
    with pytest.raises(Unavailable) as error:
        create(wire, status=status, body="<html>sorry</html>")
    assert not isinstance(error.value, OutcomeUnknown)


def retry_at(wire: responses.RequestsMock, **answer: Any) -> datetime | None:
    with time_machine.travel(NOON, tick=False), pytest.raises(Unavailable) as error:
        create(wire, status=429, **answer)
    assert error.value.reason == "zoom_rate_limit"
    return error.value.retry_at


def test_a_rate_limit_is_obeyed_when_it_names_a_time(
    app: Flask, wire: responses.RequestsMock
) -> None:
    assert retry_at(wire, headers={"Retry-After": "90"}) == NOON + timedelta(seconds=90)


@pytest.mark.parametrize(
    ("named", "at"),
    [
        ("Tue, 03 Nov 2026 12:10:00 GMT", NOON + timedelta(minutes=10)),
        ("Tuesday, 03-Nov-26 12:10:00 GMT", NOON + timedelta(minutes=10)),
        ("2026-11-03T12:10:00Z", NOON + timedelta(minutes=10)),
        ("2026-11-03T21:10:00+09:00", NOON + timedelta(minutes=10)),
        ("Tue, 03 Nov 2026 11:00:00 GMT", None),  # over already
        ("0", None),
        ("00", None),
        ("99999999", NOON + timedelta(days=1)),
        ("Tue, 03 Nov 2099 12:10:00 GMT", NOON + timedelta(days=1)),
        ("9999-12-31T23:59:59-14:00", None),
        ("Fri, 31 Dec 9999 23:59:59 -1400", None),
        ("in a while", None),
        ("9" * 400, None),
    ],
)
def test_a_rate_limit_may_name_a_date(
    app: Flask, wire: responses.RequestsMock, named: str, at: datetime | None
) -> None:
    assert retry_at(wire, headers={"Retry-After": named}) == at


def test_a_named_time_goes_before_the_daily_limit(app: Flask, wire: responses.RequestsMock) -> None:
    body = {"code": 429, "message": "You have exceeded the daily rate limit (100)"}
    assert retry_at(wire, json=body, headers={"Retry-After": "60"}) == NOON + timedelta(minutes=1)


def test_a_daily_limit_ends_at_midnight_utc(app: Flask, wire: responses.RequestsMock) -> None:
    message = "You have exceeded the daily rate limit (100) of Meeting create/update API requests"
    assert retry_at(wire, json={"code": 429, "message": message}) == datetime(
        2026, 11, 4, tzinfo=UTC
    )


def test_a_rate_limit_without_a_time_leaves_it_to_the_growing_pause(
    app: Flask, wire: responses.RequestsMock
) -> None:
    message = "You have reached the maximum per-second rate limit for this API."
    assert retry_at(wire, json={"code": 429, "message": message}) is None


@pytest.mark.parametrize(
    "answer",
    [
        {"body": "not json"},
        {"body": ""},
        {"json": ["a", "list"]},
        {"json": {"join_url": "https://zoom.example/j/1"}},
        {"json": {"id": "no number", "join_url": "https://zoom.example/j/1"}},
        {"json": {"id": 1}},
        {"json": made(join_url=None)},
        {"json": made(join_url="")},
        {"json": made(join_url={"href": "https://zoom.example/j/1"})},
        {"json": made(join_url="javascript:alert(1)")},
        {"json": made(join_url="https://[zoom.example/j/1")},
        {"json": made(join_url="https://zoom.example/j/1\r\nBcc: all")},
        {"json": made(id=0)},
        {"json": made(id=2**63)},
        {"body": json.dumps(made(id="number")).replace('"number"', "1e999")},
        {"body": "[" * 100_000},
    ],
)
def test_a_broken_answer_leaves_the_outcome_unknown(
    app: Flask, wire: responses.RequestsMock, answer: dict[str, Any]
) -> None:
    with pytest.raises(OutcomeUnknown):
        create(wire, status=201, **answer)


def test_a_redirect_is_not_followed_with_the_token(
    app: Flask, wire: responses.RequestsMock
) -> None:
    wire.post(MEETINGS, status=302, headers={"Location": "https://elsewhere.example/"})
    elsewhere = wire.get("https://elsewhere.example/", json=made())
    with pytest.raises((Unavailable, Refused)):
        api.create_meeting(ACCESS, wanted())
    assert elsewhere.call_count == 0


def test_a_deletion_is_answered_by_nothing(app: Flask, wire: responses.RequestsMock) -> None:
    deleted = wire.delete(MEETING, status=204)
    api.delete_meeting(ACCESS, 85012345678)
    assert deleted.call_count == 1


def test_a_redirect_deletes_nothing(app: Flask, wire: responses.RequestsMock) -> None:
    wire.delete(MEETING, status=302, json={}, headers={"Location": "https://portal.example/"})
    with pytest.raises(OutcomeUnknown):
        api.delete_meeting(ACCESS, 85012345678)


def test_deleting_without_the_permission_is_refused(
    app: Flask, wire: responses.RequestsMock
) -> None:
    wire.delete(MEETING, status=400, json={"code": 4711, "message": "does not contain scopes"})
    with pytest.raises(Refused) as refusal:
        api.delete_meeting(ACCESS, 85012345678)
    assert refusal.value.reason == "zoom_scope_missing"


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
