"""Each party's own copy of the invitation (Google, Outlook and Apple read it without the mail)."""

import pytest
from icalendar import Calendar, Event

from app.booker import calendar_links
from app.bookings.models import Booking
from app.notifications.invitations import invitation
from tests.notifications.rows import booking_row, event_in

LINK = "https://zoom.example/j/1?pwd=x"
JOIN = "http://127.0.0.1/join/the-join-token"


def with_link(**more: object) -> Booking:
    return booking_row(
        join_url=LINK, passcode="123456", meeting_state="ready", note="One\n<b>two</b>",
        page={"location": "Room 4"}, **more,
    )  # fmt: skip


def copy(booking: Booking, party: str, method: str = "REQUEST") -> Event:
    return event_in(invitation(booking, party, method))


def test_the_client_reads_the_hosts_name_and_has_the_way_to_cancel() -> None:
    event = copy(with_link(), "client")
    assert str(event["SUMMARY"]) == "Consultation with Aya Sato"
    assert str(event["URL"]) == "http://127.0.0.1/booking/the-clients-token"
    said = str(event["DESCRIPTION"])
    assert "See, move or cancel: http://127.0.0.1/booking/the-clients-token" in said
    for piece in (JOIN, LINK, "123456", "Room 4", "Reference: abcdefghjk"):
        assert piece in said


def test_the_host_reads_the_client_and_has_the_dashboard_and_nothing_of_the_clients_key() -> None:
    event = copy(with_link(), "host")
    assert str(event["SUMMARY"]) == "Consultation with Ken Yamada"
    assert str(event["URL"]) == "http://127.0.0.1/dashboard/bookings/abcdefghjk"
    assert "Ken Yamada (ken@example.com)" in str(event["DESCRIPTION"])
    assert b"the-clients-token" not in invitation(with_link(), "host", "REQUEST")


@pytest.mark.parametrize("party", ["client", "host"])
def test_place_and_join_address_stand_side_by_side_and_it_is_a_conference_too(party: str) -> None:
    event = copy(with_link(), party)
    assert str(event["LOCATION"]) == f"Room 4; {JOIN}"
    assert str(event["CONFERENCE"]) == JOIN
    assert event["CONFERENCE"].params["FEATURE"] == "VIDEO"
    assert str(event["X-MICROSOFT-CDO-BUSYSTATUS"]) == "BUSY"
    assert str(event["X-MICROSOFT-DISALLOW-COUNTER"]) == "TRUE"
    assert "LOCATION" not in copy(booking_row(), party)
    assert "CONFERENCE" not in copy(booking_row(), party)


@pytest.mark.parametrize("state", ["wanted", "failed"])
@pytest.mark.parametrize("party", ["client", "host"])
def test_the_join_address_is_there_before_its_meeting(party: str, state: str) -> None:
    event = copy(booking_row(meeting_state=state), party)
    assert str(event["LOCATION"]) == JOIN
    assert f"Join the Zoom meeting: {JOIN}" in str(event["DESCRIPTION"])
    assert "Zoom link" not in str(event["DESCRIPTION"])


def test_a_booking_whose_token_no_key_opens_tells_zooms_own_link_once() -> None:
    event = copy(with_link(join_token=None), "client")
    assert str(event["LOCATION"]) == f"Room 4; {LINK}"
    assert str(event["DESCRIPTION"]).count(LINK) == 1


def test_a_cancelled_booking_has_no_way_to_join() -> None:
    for method in ("CANCEL", "PUBLISH"):
        assert b"/join/" not in invitation(with_link(status="cancelled"), "client", method)


def test_what_people_typed_plants_no_markup_and_imitates_no_line_of_ours() -> None:
    said = str(copy(with_link(), "host")["DESCRIPTION"])
    assert "> One\n> ＜b＞two＜/b＞" in said
    assert "<" not in said


@pytest.mark.parametrize("party", ["client", "host"])
def test_a_cancellation_carries_neither_link_nor_passcode_nor_note(party: str) -> None:
    cancelled = with_link(status="cancelled", cancelled_by="host", ical_sequence=1)
    calendar = invitation(cancelled, party, "CANCEL")
    event = event_in(calendar)
    assert str(event["STATUS"]) == "CANCELLED"
    assert len(event["ATTENDEE"]) == 2
    assert str(event["LOCATION"]) == "Room 4"
    for secret in (b"zoom.example", b"123456", b"One"):
        assert secret not in calendar


def test_one_address_attends_once() -> None:
    booking = booking_row(client_email="aya@example.jp")
    assert not isinstance(copy(booking, "client")["ATTENDEE"], list)


def test_an_attendee_is_a_person_who_has_accepted() -> None:
    params = copy(booking_row(), "client")["ATTENDEE"][0].params
    assert {name: str(params[name]) for name in ("CUTYPE", "ROLE", "PARTSTAT", "RSVP")} == {
        "CUTYPE": "INDIVIDUAL", "ROLE": "REQ-PARTICIPANT", "PARTSTAT": "ACCEPTED", "RSVP": "FALSE",
    }  # fmt: skip


def test_an_odd_address_is_written_as_a_uri() -> None:
    booking = booking_row(client_email="a?bcc=c%40d@example.com")
    assert "mailto:a%3Fbcc%3Dc%2540d@example.com" in [
        str(attendee) for attendee in copy(booking, "client")["ATTENDEE"]
    ]


def test_the_file_to_download_invites_nobody_and_keeps_the_organizer() -> None:
    calendar = Calendar.from_ical(invitation(with_link(), "client", "PUBLISH"))
    [event] = calendar.walk("VEVENT")
    assert calendar["METHOD"] == "PUBLISH"
    assert "ATTENDEE" not in event
    assert str(event["ORGANIZER"]) == "mailto:no-reply@calsync.example"
    assert str(event["UID"]) == "abcdefghjk@calsync"


def test_the_links_into_web_calendars_lose_neither_place_nor_link() -> None:
    assert calendar_links.place_of(with_link()) == f"Room 4; {JOIN}"
    assert calendar_links.details_of(with_link()) == f"Room 4\n{JOIN}\n{LINK}"
    for address in (calendar_links.google, calendar_links.outlook):
        written = address(with_link(), "Consultation", "details")
        assert "Room+4%3B+http%3A%2F%2F127.0.0.1%2Fjoin%2Fthe-join-token" in written
