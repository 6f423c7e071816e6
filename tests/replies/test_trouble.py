"""Mailboxes that cannot be read: each trouble has a name, ends in time, and loses nothing."""

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from flask import Flask

from app.bookings.models import Booking
from app.core.clock import utcnow
from app.core.config import Settings
from app.replies import imap
from app.replies.reading import read_replies
from tests.replies.steps import (
    WRONG,
    answer,
    declined_at,
    mail_with,
    mailbox_row,
    make_due,
    trouble,
)
from tests.support.imap import SECRET, MailboxServer, StandIn, running_stand_in
from tests.support.services import free_ports


def test_a_wrong_password_is_named(
    mailbox: MailboxServer, change_settings: Callable[..., Settings]
) -> None:
    change_settings(imap_url=mailbox.url.replace(SECRET, WRONG))
    assert trouble() == "imap_login_refused"


def test_a_folder_that_is_not_there_is_named(
    mailbox: MailboxServer, change_settings: Callable[..., Settings]
) -> None:
    change_settings(imap_url=mailbox.url.rstrip("/") + "/Nowhere%20here")
    assert trouble() == "imap_folder_missing"


def test_a_server_that_is_away_is_named(
    app: Flask, change_settings: Callable[..., Settings]
) -> None:
    change_settings(imap_url=f"imap://{SECRET}@127.0.0.1:{free_ports(1)[0]}")
    assert trouble() == "imap_unreachable"


def test_a_password_is_sent_by_login_where_the_server_takes_no_other_way(
    stand_in: StandIn, change_settings: Callable[..., Settings]
) -> None:
    stand_in.has_plain = False
    assert trouble() == "imap_login_refused"  # its letters are beyond ASCII
    change_settings(imap_url=stand_in.url.replace(SECRET.partition(":")[2], "simple"))
    assert read_replies(even_early=True) is not None
    assert stand_in.asked("LOGIN") == ['LOGIN "replies@calsync.example" "simple"']


@pytest.mark.parametrize("command", ["CAPABILITY", "AUTHENTICATE", "EXAMINE", "SEARCH", "FETCH"])
def test_a_server_that_hangs_is_left_in_time(
    booking: Booking, stand_in: StandIn, change_settings: Callable[..., Settings], command: str
) -> None:
    stand_in.add(mail_with(answer(booking)))
    stand_in.hang_at = command
    change_settings(lease=timedelta(seconds=0.6))
    began = time.monotonic()
    assert trouble() == "imap_unreachable"
    assert time.monotonic() - began < 5
    stand_in.hang_at = ""
    stand_in.released.set()
    change_settings(lease=timedelta(seconds=45))
    read_replies(even_early=True)
    assert declined_at(booking) is not None


def test_no_step_may_take_longer_than_what_is_left(
    stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[float] = []
    settimeout = socket.socket.settimeout

    def note(self: socket.socket, seconds: float | None) -> None:
        if seconds is not None:
            given.append(seconds)
        settimeout(self, seconds)

    monkeypatch.setattr(socket.socket, "settimeout", note)
    read_replies()
    assert len(set(given)) > 5
    assert given == sorted(given, reverse=True)


def test_a_server_that_drips_is_left_in_time(
    stand_in: StandIn, change_settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each read alone would be quick enough."""
    moments = iter(range(1000))
    monkeypatch.setattr(imap.time, "monotonic", lambda: float(next(moments)))
    change_settings(lease=timedelta(seconds=10))
    assert trouble() == "imap_unreachable"


@pytest.mark.parametrize("command", ["CAPABILITY", "EXAMINE", "SEARCH", "FETCH"])
def test_a_connection_that_is_cut_in_the_middle_loses_nothing(
    booking: Booking, stand_in: StandIn, command: str
) -> None:
    stand_in.add(mail_with(answer(booking)))
    stand_in.cut_at = command
    assert trouble() == "imap_unreachable"
    assert declined_at(booking) is None
    stand_in.cut_at = ""
    read_replies(even_early=True)
    assert declined_at(booking) is not None


@pytest.mark.parametrize(
    ("command", "said", "reason"),
    [
        ("EXAMINE", b"* 3 EXISTS\r\n", "imap_odd_answer"),
        ("EXAMINE", b"* OK [UIDVALIDITY none] x\r\n* OK [UIDNEXT 3] x\r\n", "imap_odd_answer"),
        ("SEARCH", b"* SEARCH one two\r\n", "imap_odd_answer"),
        ("SEARCH", b"* NO not today\r\n", "imap_odd_answer"),
        ("SEARCH", b"so what\r\n", "imap_unreachable"),
        ("FETCH", b"* 1 FETCH (BODY[] {99999999999}\r\n", "imap_unreachable"),
        ("FETCH", b"* 1 FETCH " + b"x" * 1_200_000, "imap_unreachable"),
        ("CAPABILITY", b"* CAPABILITY POP3\r\n", "imap_odd_answer"),
    ],
)
def test_a_server_that_speaks_oddly_is_named(
    booking: Booking, stand_in: StandIn, command: str, said: bytes, reason: str
) -> None:
    stand_in.add(mail_with(answer(booking)))
    stand_in.answers[command] = said
    began = time.monotonic()
    assert trouble() == reason
    assert time.monotonic() - began < 15  # at once: patience would be longer


def test_news_of_other_mails_between_the_answers_are_passed_over(
    booking: Booking, stand_in: StandIn
) -> None:
    stand_in.add(mail_with(answer(booking)))
    plain = b'* 2 FETCH (FLAGS (\\Seen) UID 9)\r\n* 3 FETCH (UID 8 BODY[HEADER.FIELDS] "")\r\n'
    stand_in.answers["FETCH"] = plain
    found = read_replies()
    assert found is not None
    assert found.replies == 0


def test_pauses_grow_and_end_with_the_trouble(
    stand_in: StandIn, change_settings: Callable[..., Settings]
) -> None:
    change_settings(imap_url=stand_in.url.replace(SECRET, WRONG))
    pauses, since = [], set()
    for _ in range(7):
        trouble()
        pauses.append(round((mailbox_row().due_at - utcnow()).total_seconds() / 60))
        since.add(mailbox_row().failing_since)
    assert pauses == [1, 2, 4, 8, 16, 30, 30]
    assert len(since) == 1
    assert read_replies() is None


def test_a_mailbox_that_is_well_again_is_read_as_before(
    booking: Booking, stand_in: StandIn
) -> None:
    stand_in.cut_at = "EXAMINE"
    trouble()
    stand_in.cut_at = ""
    make_due()
    assert read_replies() is not None
    row = mailbox_row()
    assert (row.failures, row.failing_since, row.trouble) == (0, None, None)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate of our own for localhost, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "server.pem"
    plain = serialization.NoEncryption()
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def sealed(
    app: Flask, certificate: Path, change_settings: Callable[..., Settings]
) -> Iterator[StandIn]:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    with running_stand_in(tls) as box:
        change_settings(imap_url=box.url)
        yield box


def test_a_certificate_that_nobody_vouches_for_is_named(sealed: StandIn) -> None:
    assert trouble() == "imap_tls"
    assert sealed.asked("AUTHENTICATE") == []


def test_mails_are_read_through_tls(
    booking: Booking, sealed: StandIn, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusting = ssl.create_default_context(cafile=str(certificate))
    monkeypatch.setattr(imap, "_tls", lambda: trusting)
    sealed.add(mail_with(answer(booking)))
    read_replies()
    assert declined_at(booking) is not None
