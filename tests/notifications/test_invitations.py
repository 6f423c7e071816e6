"""The calendar file, read by another program's rules."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from icalendar import Calendar

from app.core.text import line
from app.core.text import lines as several
from app.notifications.invitations import NO_MARKUP, invitation, summary
from tests.notifications.rows import START, booking_row, event_in
from tests.support.examples import tried

awkward = st.sampled_from(
    [",", ";", ":", '"', "'", "\\", "\n", "\\n", "\\,", "\t", "^n", "、", "；"]
)
texts = st.lists(
    st.one_of(
        awkward, st.text(st.characters(codec="utf-8"), max_size=20), st.just("山田 健です。")
    ),
    min_size=1,
    max_size=12,
).map("".join)
lines = texts.map(lambda typed: line(typed, 120)).filter(bool)
notes = texts.map(lambda typed: several(typed, 2000)).filter(bool)


@tried(20, in_proof=2_000)
@given(client=lines, title=lines, note=notes, link=st.booleans())
@example(
    client='山田, 健; "Ken"', title="相談: 一, 二; 三\\n", note="一行目\n二行目, 終", link=True
)
@example(client="C:\\New \\N \\n", title="C:\\New plan", note="a\\Nb\\nc\\,\\;", link=False)
def test_what_was_written_is_what_is_read(client: str, title: str, note: str, link: bool) -> None:
    party = "host"
    booking = booking_row(
        client_name=client, page={"title": title, "location": title}, note=note,
        join_url="https://zoom.example/j/1?pwd=a,b;c" if link else None,
    )  # fmt: skip
    event = event_in(invitation(booking, party, "REQUEST"))
    assert str(event["SUMMARY"]) == summary(booking, party)
    assert title in str(event["SUMMARY"])
    place = f"{title}; http://127.0.0.1/join/the-join-token" if link else title
    assert str(event["LOCATION"]) == place
    if link:
        assert "Zoom link: https://zoom.example/j/1?pwd=a,b;c" in str(event["DESCRIPTION"])
    typed = note.translate(NO_MARKUP)
    assert "\n".join(f"> {part}" for part in typed.split("\n")) in str(event["DESCRIPTION"])
    host, guest = event["ATTENDEE"]
    assert host.params["CN"] == "Aya Sato"
    # A parameter's value cannot hold a double quote (RFC 5545, 3.2), nor safely a backslash.
    assert guest.params["CN"] == client.replace('"', "'").replace("\\", "/")
    assert guest == "mailto:ken@example.com"


@given(client=lines, title=lines, note=notes)
def test_lines_are_folded_at_75_octets_and_end_by_the_book(
    client: str, title: str, note: str
) -> None:
    calendar = invitation(
        booking_row(client_name=client, page={"title": title}, note=note * 4), "host", "REQUEST"
    )
    assert calendar.endswith(b"\r\n")
    content = calendar.removesuffix(b"\r\n").split(b"\r\n")
    assert all(0 < len(line) <= 75 for line in content)
    assert not any(b"\n" in line or b"\r" in line for line in content)
    calendar.decode()  # no character is cut by a fold into bytes that mean nothing together


@given(text=texts)
@example(text="Ken\r\nATTENDEE:mailto:mallory@example.com")
def test_no_text_adds_a_line_of_its_own(text: str) -> None:
    booking = booking_row(
        client_name=line(text, 120) or "x", page={"title": line(text, 120) or "x"},
        note=several(text, 2000),
    )  # fmt: skip
    event = event_in(invitation(booking, "host", "REQUEST"))
    assert len(event["ATTENDEE"]) == 2
    assert set(event.keys()) - {"DESCRIPTION"} == {
        "UID", "SEQUENCE", "DTSTAMP", "DTSTART", "DTEND", "SUMMARY", "STATUS", "TRANSP",
        "ORGANIZER", "ATTENDEE", "LOCATION", "URL", "X-MICROSOFT-CDO-BUSYSTATUS",
        "X-MICROSOFT-CDO-INTENDEDSTATUS", "X-MICROSOFT-DISALLOW-COUNTER",
    } - ({"LOCATION"} if "LOCATION" not in event else set())  # fmt: skip


def test_times_are_in_utc_and_need_no_zone_of_the_readers_machine() -> None:
    calendar = invitation(booking_row(), "client", "REQUEST")
    assert b"DTSTART:20261201T003000Z" in calendar
    assert b"DTEND:20261201T010000Z" in calendar
    assert b"VTIMEZONE" not in calendar
    event = event_in(calendar)
    assert event["DTSTART"].dt == START
    assert event["DTEND"].dt == START + timedelta(minutes=30)
    stamp = event["DTSTAMP"].dt
    assert abs(datetime.now(UTC) - stamp) < timedelta(minutes=1)


def test_one_booking_keeps_one_uid_while_its_sequence_rises() -> None:
    first = event_in(invitation(booking_row(), "client", "REQUEST"))
    later = event_in(
        invitation(booking_row(ical_sequence=3, status="cancelled"), "client", "CANCEL")
    )
    assert first["UID"] == later["UID"] == "abcdefghjk@calsync"
    assert (first["SEQUENCE"], later["SEQUENCE"]) == (0, 3)
    assert (first["STATUS"], later["STATUS"]) == ("CONFIRMED", "CANCELLED")


@pytest.mark.parametrize("method", ["REQUEST", "CANCEL"])
def test_the_service_organizes_in_the_hosts_name_and_both_attend(method: str) -> None:
    calendar = Calendar.from_ical(invitation(booking_row(), "client", method))
    assert (calendar["VERSION"], calendar["METHOD"]) == ("2.0", method)
    assert calendar["PRODID"]
    [event] = calendar.walk("VEVENT")
    # Mail clients take a change only from the address that sent the invitation.
    assert event["ORGANIZER"] == "mailto:no-reply@calsync.example"
    assert event["ORGANIZER"].params["CN"] == "Aya Sato"
    assert sorted(str(attendee) for attendee in event["ATTENDEE"]) == [
        "mailto:aya@example.jp",
        "mailto:ken@example.com",
    ]
