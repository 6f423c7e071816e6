"""Mails as they are on the wire: their structure, headers and recipients."""

from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import getaddresses

import pytest
import time_machine
from hypothesis import example, given
from hypothesis import strategies as st
from icalendar import Calendar

from app.bookings.models import Booking
from app.core.text import line
from app.notifications.messages import compose
from tests.notifications.rows import booking_row, calendars, written
from tests.notifications.steps import OCCASIONS

PARTIES = ("client", "host")


# What a form lets through as one line.
lines = st.text(st.characters(codec="utf-8"), min_size=1, max_size=120).map(
    lambda typed: line(typed, 120)
)


words = lines.filter(bool)


def structure(part: EmailMessage) -> object:
    if part.is_multipart():
        return (part.get_content_type(), [structure(inner) for inner in part.iter_parts()])
    return part.get_content_type()


@pytest.mark.parametrize("party", PARTIES)
@pytest.mark.parametrize("occasion", OCCASIONS)
def test_a_mail_is_text_html_and_calendar_with_the_calendar_as_a_file_too(
    party: str, occasion: str
) -> None:
    mail = written(booking_row(), party, occasion)
    assert structure(mail) == (
        "multipart/mixed",
        [
            ("multipart/alternative", ["text/plain", "text/html", "text/calendar"]),
            "application/ics",
        ],
    )
    inline, attached = calendars(mail)
    assert inline == attached
    file = list(mail.iter_parts())[-1]
    assert file.get_filename() == "invite.ics"
    assert file.get_content_disposition() == "attachment"


@pytest.mark.parametrize(
    ("occasion", "method"), [("confirmed", "REQUEST"), ("link", "REQUEST"), ("cancelled", "CANCEL")]
)
def test_the_method_is_the_same_on_the_part_and_in_the_calendar(occasion: str, method: str) -> None:
    mail = written(booking_row(), "client", occasion)
    parts = [part for part in mail.walk() if part.get_content_type() == "text/calendar"]
    assert [part.get_param("method") for part in parts] == [method]
    assert Calendar.from_ical(calendars(mail)[0])["METHOD"] == method


def test_a_mail_says_that_a_machine_wrote_it_and_carries_what_mail_needs() -> None:
    mail = written(booking_row())
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["MIME-Version"] == "1.0"
    assert mail["Date"].datetime.tzinfo is not None


@pytest.mark.parametrize(
    ("party", "reader", "other"),
    [
        ("client", "Ken Yamada <ken@example.com>", "Aya Sato <aya@example.jp>"),
        ("host", "Aya Sato <aya@example.jp>", "Ken Yamada <ken@example.com>"),
    ],
)
def test_an_answer_goes_to_the_other_party(party: str, reader: str, other: str) -> None:
    mail = written(booking_row(), party)
    assert str(mail["To"]) == reader
    assert str(mail["Reply-To"]) == other


def message_id(party: str, occasion: str, **columns: object) -> str:
    return str(written(booking_row(**columns), party, occasion)["Message-ID"])


def test_each_try_of_one_mail_has_the_same_message_id_and_each_mail_its_own() -> None:
    first = {
        (party, occasion): message_id(party, occasion)
        for party in PARTIES
        for occasion in OCCASIONS
    }
    with time_machine.travel(datetime(2030, 1, 1, tzinfo=UTC)):
        again = {key: message_id(*key) for key in first}
    assert first == again
    assert len(set(first.values())) == 6
    assert message_id("client", "link", ical_sequence=1) not in first.values()
    assert message_id("client", "confirmed", public_id="zzzzzzzzzz") not in first.values()
    assert all(value.endswith("@calsync.example>") for value in first.values())


def test_message_ids_of_different_mails_differ_even_where_the_words_are_alike() -> None:
    assert message_id("client", "confirmed") != message_id("host", "confirmed")


@pytest.mark.parametrize(
    "title",
    [
        "相談 with Aya Sato, 2026年",
        "初回 first meeting 面談",
        "Ünïcode and plain ASCII and ünïcode",
        "Plain ASCII: with, punctuation; and 'quotes' \"twice\"",
        "非常に長い題名" * 17,
        "=?utf-8?q?not_encoded?=",
    ],
)
def test_a_subject_arrives_as_it_was_written(title: str) -> None:
    booking = booking_row(page={"title": title}, client_locale="ja")
    subject = str(written(booking)["Subject"])
    assert subject == str(compose(booking, "client", "confirmed")["Subject"])
    assert title in subject


@given(title=words)
@example(title="a  b")
def test_every_title_arrives_in_the_subject(title: str) -> None:
    assert title in str(written(booking_row(page={"title": title}))["Subject"])


@given(name=words)
@example(name='Dr. "Ken", Yamada; (senior) <boss@example.com>')
@example(name="山田 健, Ken")
@example(name="=?utf-8?q?x?=")
@example(name="\U0005e335 \U000de6ad©/êF\U000c1d5dÉú\U0010021bÄ\U0010e223\U000d147f; ̄ and more")
def test_every_name_arrives_with_the_one_address_it_belongs_to(name: str) -> None:
    booking = booking_row(client_name=name)
    assert boxes(booking, "host", "Reply-To") == [(name, "ken@example.com")]
    assert boxes(booking, "client", "To") == [(name, "ken@example.com")]


def boxes(booking: Booking, party: str, header: str) -> list[tuple[str, str]]:
    """Names and addresses by the older of Python's two readers.

    The newer one puts a space between two encoded words of a name (RFC 2047, 6.2 says to drop it).
    """
    mail = message_from_bytes(compose(booking, party, "confirmed").as_bytes())
    return [
        (str(make_header(decode_header(name))), address)
        for name, address in getaddresses([str(mail[header])])
    ]


HEADERS = [
    "From", "To", "Reply-To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version",
    "Content-Type", "X-Auto-Response-Suppress",
]  # fmt: skip


@given(text=words)
@example(text="=?utf-8?q?Ken=0D=0ABcc:_mallory@example.com?=")
@example(text="健 =?utf-8?b?S2VuDQpCY2M6IG1hbGxvcnlAZXhhbXBsZS5jb20=?=")
@example(text=line("Ken\u2028Bcc: mallory@example.com", 120))
def test_no_text_of_a_form_adds_a_header(text: str) -> None:
    booking = booking_row(
        client_name=text, page={"title": text, "location": text}, host={"name": text}
    )
    for party in PARTIES:
        assert sorted(written(booking, party).keys()) == sorted(HEADERS)


@pytest.mark.parametrize("break_", ["\r\n", "\n", "\r", "\u2028", "\u0085", "\x0b"])
@pytest.mark.parametrize("where", ["client_name", "title", "host_name"])
def test_a_line_break_that_came_round_the_forms_is_no_header_either(
    break_: str, where: str
) -> None:
    evil = f"Ken{break_}Bcc: mallory@example.com"
    booking = booking_row(
        client_name=evil if where == "client_name" else "Ken",
        page={"title": evil if where == "title" else "Consultation"},
        host={"name": evil if where == "host_name" else "Aya"},
    )
    try:
        mail = written(booking)
    except ValueError:
        return  # refused altogether
    assert mail["Bcc"] is None


@given(
    note=st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=300)
)
def test_no_line_of_a_mail_is_longer_than_smtp_allows(note: str) -> None:
    wire = compose(booking_row(note=note * 10), "host", "confirmed").as_bytes(policy=policy.SMTP)
    assert max(len(line) for line in wire.split(b"\r\n")) <= 998
