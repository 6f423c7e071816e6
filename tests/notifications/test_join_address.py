"""How a mail lets its reader join: the booking's own address on the button, Zoom's own link beside it."""

import pytest
from lxml.html import document_fromstring

from tests.notifications.rows import booking_row, text_of, written

JOIN = "http://127.0.0.1/join/the-join-token"
ZOOM = "https://zoom.example/j/1?pwd=x"
PARTIES = ("client", "host")


def links(html: str) -> dict[str, str]:
    """The links of an HTML part: where each leads, by its words."""
    found = document_fromstring(html).iter("a")
    return {" ".join(link.text_content().split()): str(link.get("href")) for link in found}


@pytest.mark.parametrize("party", PARTIES)
@pytest.mark.parametrize("occasion", ["confirmed", "link"])
def test_the_button_is_the_bookings_own_address(party: str, occasion: str) -> None:
    mail = written(booking_row(join_url=ZOOM, passcode="123456"), party, occasion)
    assert links(text_of(mail, "html"))["Join the Zoom meeting"] == JOIN
    for kind in ("plain", "html"):
        assert ZOOM in text_of(mail, kind)
    said = text_of(mail)
    assert said.index("Join the Zoom meeting:") < said.index(JOIN) < said.index(ZOOM)
    assert "will follow" not in said


@pytest.mark.parametrize("state", ["wanted", "failed"])
def test_a_client_without_a_link_has_an_address_that_will_work(state: str) -> None:
    mail = written(booking_row(meeting_state=state))
    assert "The Zoom link will follow in another email." in text_of(mail)
    assert JOIN in text_of(mail).splitlines()
    assert links(text_of(mail, "html"))[JOIN] == JOIN


def test_a_host_whose_meeting_failed_is_told_what_to_do_instead() -> None:
    mail = written(booking_row(meeting_state="failed"), "host")
    for kind in ("plain", "html"):
        assert "could not be created" in text_of(mail, kind)
        assert JOIN not in text_of(mail, kind)


@pytest.mark.parametrize("party", PARTIES)
def test_a_booking_without_a_meeting_has_nothing_to_join(party: str) -> None:
    mail = written(booking_row(), party)
    assert "/join/" not in text_of(mail) + text_of(mail, "html")


def test_where_no_key_opens_the_token_zooms_own_link_is_the_button() -> None:
    mail = written(booking_row(join_url=ZOOM, join_token=None))
    assert links(text_of(mail, "html"))["Join the Zoom meeting"] == ZOOM
    assert text_of(mail).count(ZOOM) == 1


def test_a_cancellation_leads_nowhere() -> None:
    gone = booking_row(join_url=ZOOM, status="cancelled", cancelled_by="host")
    mail = written(gone, "client", "cancelled")
    assert "/join/" not in text_of(mail) + text_of(mail, "html")
