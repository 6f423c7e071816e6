"""The host's Bookings section."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask import Flask

from app.accounts.models import User
from app.bookings import provision, service
from app.bookings.followups import CREATE_MEETING
from app.bookings.models import Booking
from app.bookings.provision import MadeMeeting
from app.db import db
from app.outbox import Task
from tests.support.cast import (
    PASSWORD,
    connect_zoom,
    make_booking,
    make_host,
    make_page,
    move_back,
    tomorrow,
)
from tests.support.visitor import InProcess, Visitor


def sign_in(app: Flask, host: User) -> Visitor:
    visitor = Visitor(InProcess(app))
    door = visitor.get("/login")
    door.press("Sign in", email=host.email, password=PASSWORD)
    return visitor


def rows(visitor: Visitor, query: str) -> list[str]:
    page = visitor.get(f"/dashboard/bookings?{query}")
    return [" ".join(row.get_text(" ").split()) for row in page.all("ul.bookings li")]


def test_each_booking_stands_in_its_tab(app: Flask) -> None:
    aya = make_host()
    page = make_page(aya)
    make_booking(page, tomorrow(1), name="Past Person")
    with time_machine.travel(datetime.now(UTC) + timedelta(days=2)):
        make_booking(page, tomorrow(1), name="Coming Person")
        service.cancel(make_booking(page, tomorrow(2), name="Gone Person"), by="client")
        visitor = sign_in(app, aya)
        for tab, name in (("upcoming", "Coming"), ("past", "Past"), ("cancelled", "Gone")):
            (row,) = rows(visitor, f"tab={tab}")
            assert f"{name} Person" in row


@pytest.mark.parametrize("query", ["yamada", "KEN@", "consult", "山田"])
def test_search_finds_client_address_and_page(app: Flask, query: str) -> None:
    aya = make_host()
    page = make_page(aya)
    make_booking(page, tomorrow(1), name="Ken Yamada 山田")
    make_booking(
        make_page(aya, title="Other"), tomorrow(2), name="Lena Fischer", email="lena@example.com"
    )
    (row,) = rows(sign_in(app, aya), f"q={query}")
    assert "Ken Yamada" in row


def test_search_takes_percent_and_underscore_as_they_are(app: Flask) -> None:
    aya = make_host()
    make_booking(make_page(aya))
    visitor = sign_in(app, aya)
    assert rows(visitor, "q=%25") == []
    assert rows(visitor, "q=_") == []


def test_a_long_list_is_paged(app: Flask) -> None:
    aya = make_host()
    page = make_page(aya, duration=15)
    for number in range(52):
        make_booking(page, tomorrow(1) + timedelta(minutes=15 * number), name=f"Client {number:02}")
    visitor = sign_in(app, aya)
    first = visitor.get("/dashboard/bookings")
    assert len(first.all("ul.bookings li")) == 50
    assert len(first.follow("Next").all("ul.bookings li")) == 2


def test_mallory_sees_nothing_of_ayas(app: Flask) -> None:
    booking = make_booking(make_page(make_host()))
    mallory = sign_in(app, make_host("Mallory"))
    assert rows(mallory, "") == []
    assert mallory.get(f"/dashboard/bookings/{booking.public_id}").status == 404


def fail(booking: Booking, reason: str) -> Task:
    """The booking's meeting could not be made."""
    [task] = [task for task in booking.tasks if task.kind == CREATE_MEETING]
    task.state, task.last_error = "failed", reason
    provision.fail_meeting(booking.id, reason.partition(":")[0])
    return task


@pytest.mark.parametrize(
    "reason",
    [
        "zoom_not_connected",
        "zoom_needs_reconnect",
        "zoom_user_gone: User does not exist: 7.",
        "zoom_scope_missing: no scopes:[meeting:write:meeting]",
    ],
)
def test_where_only_connecting_helps_that_is_offered_and_retry_once_it_is_done(
    app: Flask, reason: str
) -> None:
    aya = make_host()
    booking = make_booking(make_page(aya, auto_zoom=True))
    fail(booking, reason)
    visitor = sign_in(app, aya)
    address = f"/dashboard/bookings/{booking.public_id}"

    def offered() -> set[str]:
        on_timeline = visitor.get(address).all(".timeline .button")
        dashboard = visitor.get("/dashboard")
        on_dashboard = dashboard.all(".note .button")
        assert (len(on_timeline), len(on_dashboard)) == (1, 1)
        # One note for all bookings that wait, with the way to them, in place of a note for each.
        assert dashboard.has_link("1 booking is waiting for its") is not bool(
            dashboard.all(".note form")
        )
        return {button.get_text() for button in (*on_timeline, *on_dashboard)}

    assert offered() == {"Connect Zoom"}
    assert visitor.get(address).follow("Connect Zoom").path == "/settings/integrations"
    connection = connect_zoom(aya, status="needs_reconnect")
    assert offered() == {"Reconnect Zoom"}
    connection.status, connection.scopes = "active", "meeting:read:meeting"
    db.session.commit()
    assert offered() == {"Reconnect Zoom"}
    connection.scopes = "meeting:read:meeting meeting:write:meeting"
    db.session.commit()
    assert offered() == {"Retry"}


@pytest.mark.parametrize("reason", ["zoom_refused: Not allowed.", "zoom_token_refused", "smtp"])
def test_where_trying_again_may_help_retry_is_offered_whatever_the_connection(
    app: Flask, reason: str
) -> None:
    aya = make_host()
    booking = make_booking(make_page(aya, auto_zoom=True))
    fail(booking, reason)
    page = sign_in(app, aya).get(f"/dashboard/bookings/{booking.public_id}")
    assert [button.get_text() for button in page.all(".timeline .button")] == ["Retry"]
    tells_support = bool(page.all(".timeline a[href='mailto:support@calsync.site']"))
    assert tells_support is (reason == "zoom_token_refused")


@pytest.mark.parametrize(("failures", "shown"), [(5, 5), (6, 5), (12, 5)])
def test_the_dashboard_says_how_many_more_failures_there_are_and_leads_to_all(
    app: Flask, failures: int, shown: int
) -> None:
    aya = make_host()
    page = make_page(aya, auto_zoom=True)
    for number in range(failures):
        fail(make_booking(page, tomorrow(1 + number)), "zoom_refused: Not allowed.")
    make_booking(page, tomorrow(20))  # which needs nothing
    visitor = sign_in(app, aya)
    dashboard = visitor.get("/dashboard")
    assert len(dashboard.all(".note.failed form")) == shown
    more = dashboard.all('a[href="/dashboard/bookings?tab=attention"]')
    if failures == shown:
        assert more == []
        return
    left = failures - shown
    assert more[0].get_text() == (
        "1 more booking needs attention" if left == 1 else f"{left} more bookings need attention"
    )
    listed = visitor.get(str(more[0]["href"]))
    assert len(listed.all("ul.bookings li")) == failures
    assert listed.one(".tabs a[aria-current=page]").get_text() == "To do"
    assert "To do" not in visitor.get("/dashboard/bookings").text


def test_what_failed_says_what_to_do_and_can_be_tried_again(app: Flask) -> None:
    aya = make_host()
    connect_zoom(aya)
    booking = make_booking(make_page(aya, auto_zoom=True))
    task = fail(booking, "zoom_scope_missing: no scopes:[meeting:write:meeting]")
    visitor = sign_in(app, aya)
    shown = visitor.get(f"/dashboard/bookings/{booking.public_id}")
    assert "meeting:write:meeting" in shown.text
    assert "permission" in shown.text
    assert "No meeting" in visitor.get("/dashboard/bookings").text
    again = shown.press("Retry")
    assert "Trying once more." in again.text
    assert (task.state, task.attempts) == ("waiting", 0)
    assert booking.meeting_state == "wanted"


def test_nothing_is_to_be_done_any_more_where_the_time_has_passed(
    app: Flask, visit: Visitor
) -> None:
    aya = make_host()
    booking = make_booking(make_page(aya, auto_zoom=True))
    fail(booking, "zoom_refused: no")
    move_back(booking, timedelta(days=3))
    shown = sign_in(app, aya).get(f"/dashboard/bookings/{booking.public_id}")
    assert "Zoom refused the request." in shown.text
    assert not shown.all(".timeline .button")
    assert "will follow" not in visit.get(f"/booking/{booking.client.token}").text


def test_the_host_cancels_after_being_asked_once(app: Flask) -> None:
    aya = make_host()
    booking = make_booking(make_page(aya))
    visitor = sign_in(app, aya)
    asked = visitor.get(f"/dashboard/bookings/{booking.public_id}").follow("Cancel booking")
    assert booking.is_live  # a GET changes nothing
    done = asked.press("Cancel booking")
    assert "The booking is cancelled." in done.text
    assert "Cancelled by you." in done.text
    assert (booking.status, booking.cancelled_by) == ("cancelled", "host")
    kinds = {task.kind: task.state for task in booking.tasks}
    assert kinds["mail.attendee.cancelled"] == kinds["mail.host.cancelled"] == "waiting"
    assert not done.has_link("Cancel booking")


def test_mallory_cannot_cancel_ayas_booking(app: Flask) -> None:
    booking = make_booking(make_page(make_host()))
    mallory = sign_in(app, make_host("Mallory"))
    address = f"/dashboard/bookings/{booking.public_id}/cancel"
    token = mallory.get("/dashboard").one("input[name=csrf_token]")["value"]
    assert mallory.get(address).status == 404
    assert mallory.post(address, {"csrf_token": str(token)}).status == 404
    assert booking.is_live


def test_a_booking_that_is_over_stays_as_it_was(app: Flask) -> None:
    aya = make_host()
    booking = make_booking(make_page(aya))
    visitor = sign_in(app, aya)
    asked = visitor.get(f"/dashboard/bookings/{booking.public_id}/cancel")
    with time_machine.travel(datetime.now(UTC) + timedelta(days=3)):
        assert "over already" in asked.press("Cancel booking").text
    assert booking.is_live


def test_a_meeting_left_in_zoom_is_told_only_where_calsync_may_not_delete_it(app: Flask) -> None:
    for name, scopes, told in (
        ("Aya", "meeting:write:meeting", True),
        ("Bo", "meeting:write:meeting meeting:delete:meeting", False),
    ):
        host = make_host(name)
        connect_zoom(host, scopes=scopes)
        booking = make_booking(make_page(host, auto_zoom=True))
        provision.attach_meeting(
            booking.public_id, MadeMeeting(host.id, "https://zoom.example/j/1", None)
        )
        service.cancel(booking, by="host")
        shown = sign_in(app, host).get(f"/dashboard/bookings/{booking.public_id}")
        assert ("remains in your Zoom account" in shown.text) is told
