"""Finding an answer in a mail that anybody may have written, and reading it: nothing there is trusted."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.bookings.models import Booking
from app.ical.replies import LONGEST, Reply, replies_in
from app.replies import mime
from tests.notifications.rows import booking_row
from tests.replies.steps import KEN, answer, mail_with
from tests.support.examples import tried

STAMP = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)


def row(**columns: object) -> Booking:
    return booking_row(**columns)  # type: ignore[arg-type]


def read(mail: bytes) -> list[Reply]:
    return [reply for text, method in mime.calendars_in(mail) for reply in replies_in(text, method)]


DECLINE = Reply("abcdefghjk@calsync", 0, KEN, "DECLINED", STAMP)


def test_a_reply_is_read() -> None:
    assert replies_in(answer(row(), stamp=STAMP), "REPLY") == [DECLINE]


@pytest.mark.parametrize(
    ("text", "with_"),
    [
        ("\r\n", "\n"),
        ("PARTSTAT=DECLINED", "partstat=declined"),
        ("UID:", "uid:"),
        (f"mailto:{KEN}", f"MAILTO:{KEN.upper()}"),
        ("mailto:ken@", "mailto:%6Ben@"),
        ("mailto:", ""),
        ("CN=Ken\r\n  Yamada", 'CN="Yamada; Ken: the \r\n first, =?"'),
        ("CN=Ken\r\n  Yamada", "CN=山田 健"),
        ("SEQUENCE:0\r\n", ""),
        ("SEQUENCE:0\r\n", "SEQUENCE:nought\r\n"),
        ("STATUS:CONFIRMED", "RECURRENCE-ID:20261201T003000Z"),
        ("BEGIN:VEVENT", "BEGIN:VTIMEZONE\r\nUID:other\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT"),
        ("END:VEVENT", "BEGIN:VALARM\r\nUID:other\r\nATTENDEE:mailto:x@y.z\r\nEND:VALARM\r\nEND:VEVENT"),
    ],
)  # fmt: skip
def test_calendars_write_the_same_in_many_ways(text: str, with_: str) -> None:
    written = answer(row(), stamp=STAMP)
    assert text in written
    assert replies_in(written.replace(text, with_)) == [DECLINE]


@pytest.mark.parametrize(
    ("text", "with_"),
    [
        ("METHOD:REPLY", "METHOD:REQUEST"),
        ("METHOD:REPLY", "METHOD:COUNTER"),
        ("METHOD:REPLY\r\n", "METHOD:REPLY\r\nMETHOD:REQUEST\r\n"),
        ("METHOD:REPLY\r\n", ""),
        ("BEGIN:VCALENDAR\r\n", ""),
        ("BEGIN:VEVENT", "BEGIN:VTODO"),
        ("UID:abcdefghjk@calsync", "UID:"),
        ("ORGANIZER;", "ATTENDEE;"),  # two people
        ("ATTENDEE;", "X-ATTENDEE;"),
    ],
)
def test_what_is_no_reply_of_one_person_is_none(text: str, with_: str) -> None:
    written = answer(row(), stamp=STAMP)
    assert text in written
    assert replies_in(written.replace(text, with_)) == []


def test_mail_and_calendar_must_name_the_same_method() -> None:
    written = answer(row(), stamp=STAMP)
    assert replies_in(written, "reply") == [DECLINE]
    assert replies_in(written, "REQUEST") == []
    assert replies_in(written.replace("METHOD:REPLY\r\n", ""), "REPLY") == [DECLINE]


@pytest.mark.parametrize("stamp", ["20269999T000000Z", "20261125T030000", "yesterday", "0" * 5000])
def test_a_stamp_that_is_none_is_left_out(stamp: str) -> None:
    written = answer(row(), stamp=STAMP).replace("20261125T030000Z", stamp)
    assert replies_in(written)[0].stamped_at is None


def outlooks(text: str) -> bytes:
    """Text and calendar alone, the calendar in quoted-printable."""
    mail = EmailMessage()
    mail.set_content("")
    mail.add_alternative(
        text, subtype="calendar", params={"method": "REPLY"}, cte="quoted-printable"
    )
    return mail.as_bytes()


def attached(text: str) -> bytes:
    """Only as a file."""
    mail = EmailMessage()
    mail.set_content("Declined")
    mail.add_attachment(text.encode(), "application", "ics", filename="invite.ics")
    return mail.as_bytes()


def alone(text: str) -> bytes:
    """The whole mail is the calendar, in 8 bits."""
    head = b"Content-Type: text/calendar; method=REPLY; charset=utf-8\r\n\r\n"
    return head + text.encode()


def japanese(text: str) -> bytes:
    """In the charset of old Japanese programs."""
    text = text.replace("CN=Ken\r\n  Yamada", 'CN="山田 健"')
    head = b"Content-Type: text/calendar; method=REPLY; charset=ISO-2022-JP\r\n\r\n"
    return head + text.encode("iso-2022-jp")


def both(text: str) -> bytes:
    """Google's: as a part and as a file."""
    mail = EmailMessage()
    mail.set_content("Declined")
    mail.add_alternative(text, subtype="calendar", params={"method": "REPLY"}, cte="7bit")
    mail.add_attachment(text.encode(), "application", "ics", filename="invite.ics")
    return mail.as_bytes()


@pytest.mark.parametrize("way", [mail_with, outlooks, attached, alone, japanese, both])
def test_the_answer_is_found_wherever_a_mail_has_it(way: object) -> None:
    assert set(read(way(answer(row(), stamp=STAMP)))) == {DECLINE}  # type: ignore[operator]


@pytest.mark.parametrize("charset", ["zip", "punycode", "rot13", "no-such", "x" * 900, '"; x=y'])
def test_no_charset_that_a_mail_names_is_followed_blindly(charset: str) -> None:
    mail = alone(answer(row(), stamp=STAMP)).replace(b"utf-8", charset.encode())
    assert read(mail) == [DECLINE]


NESTED = b"".join(
    b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (depth, depth)
    for depth in range(2_000)
)
MEGABYTE = mime.LARGEST
HOSTILE = {
    "nested": NESTED,
    "nested as deep as may be": NESTED[:500] + b"\n" * MEGABYTE,
    "parts": b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n' + b"--b\r\n\r\n" * MEGABYTE,
    "parameters": b"Content-Type: text/calendar;" + b';"' * MEGABYTE,
    "parameters after a bare return": b"X: y\rContent-Type: multipart/x;" + b';"' * MEGABYTE,
    "headers": b"a:\n" * MEGABYTE,
    "folded": b"Content-Type: text/calendar;\r\n" + b" x=y;\r\n" * MEGABYTE,
    "quoted": b"Content-Type: text/calendar\nContent-Transfer-Encoding: quoted-printable\n\n"
    + b"=\r\n" * MEGABYTE,
    "uuencoded": b"Content-Type: text/calendar\nContent-Transfer-Encoding: x-uuencode\n\nbegin 644 x\n"
    + b"!\n" * MEGABYTE,
    "base64": b"Content-Type: text/calendar\nContent-Transfer-Encoding: base64\n\n" + b"A" * MEGABYTE,
    "bytes": bytes(range(256)) * 4096,
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_mail_that_was_made_to_be_slow_is_over_soon(name: str) -> None:
    """A second or two on a quiet machine at most; what it guards against takes minutes and more."""
    began = time.process_time()
    assert read(HOSTILE[name][:MEGABYTE]) == []
    assert time.process_time() - began < 15


def test_a_mail_that_is_longer_than_any_answer_is_left_alone() -> None:
    mail = mail_with(answer(row(), stamp=STAMP))
    assert read(mail) == [DECLINE]
    assert read(mail + b"x" * MEGABYTE) == []
    assert replies_in(answer(row(), more=["X-LONG:" + "x" * LONGEST])) == []


LINES = ("ATTENDEE;", "ATTENDEE:mailto:", "UID:", "DTSTAMP:", "BEGIN:VEVENT\r\n", "END:VEVENT\r\n")
PIECES = ('"', "\\", ";", ",", "=", ":", "a=b;", "\r\n ", "\n", "\t", "^n", "%41", "\u0301", "\x00")


def slow_texts() -> Iterator[str]:
    yield from (line + piece * LONGEST for line in LINES for piece in PIECES)
    yield from (line * LONGEST for line in LINES)


def test_a_calendar_that_was_made_to_be_slow_is_over_soon() -> None:
    head = "BEGIN:VCALENDAR\r\nMETHOD:REPLY\r\nBEGIN:VEVENT\r\nUID:x\r\n"
    for text in slow_texts():
        began = time.process_time()
        replies_in((head + text)[:LONGEST])
        assert time.process_time() - began < 3, text[:40]


@given(st.binary(max_size=2_000) | st.text(max_size=500).map(str.encode))
@tried(200, in_proof=20_000)
def test_whatever_comes_no_error_leaves(content: bytes) -> None:
    read(content)
    read(b"Content-Type: text/calendar; method=REPLY\r\n\r\n" + content)
    replies_in("BEGIN:VCALENDAR\nMETHOD:REPLY\n" + content.decode("latin-1"))


@given(st.integers(0, 1_500), st.sampled_from(["", ":", ";", '"', "\r\n", "\r\n ", "é", "\\"]))
@tried(200, in_proof=20_000)
def test_a_damaged_answer_raises_nothing(place: int, damage: str) -> None:
    whole = answer(row(), stamp=STAMP)
    place %= len(whole)
    damaged = whole[:place] + damage + whole[place + 1 :]
    assert len(replies_in(damaged)) <= 1
