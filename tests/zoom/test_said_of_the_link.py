"""What the mail about a move says of the link, whenever it leaves."""

from collections.abc import Sequence

from flask import Flask

from app import tasks
from app.bookings import moving, provision, service
from app.bookings.models import Booking
from app.bookings.remains import left_behind, remains
from app.db import db
from app.events import Actor
from app.zoom import identity
from app.zoom import meetings as zoom_meetings
from app.zoom import service as zoom_service
from tests.support.cast import make_booking, make_host, make_page, tomorrow
from tests.support.services import MailServer
from tests.tasks.steps import AYA, KEN, text_of, work
from tests.zoom.conftest import Sandbox
from tests.zoom.test_moved_meetings import SIX, TWO, at_zoom, booked, reread


def work_at_zoom(booking: Booking, *kinds: str) -> None:
    """Run these before any mail."""
    for kind in kinds:
        waiting = [task for task in reread(booking).tasks if task.state == "waiting"]
        for task_id in [task.id for task in waiting if task.kind == kind]:
            tasks.run(task_id)


def said(mails: MailServer, addresses: Sequence[str] = (KEN, AYA)) -> str:
    return "".join(text_of(mails.to(address)[-1]) for address in addresses)


def test_a_first_meeting_that_is_made_after_the_move_was_never_at_the_former_time(
    app: Flask, mails: MailServer, sandbox: Sandbox
) -> None:
    sandbox.choose(scopes=SIX)
    host = make_host()
    zoom_service.link(host.id, sandbox.grant("aya"))
    booking = make_booking(make_page(host, auto_zoom=True), tomorrow(3))
    moving.move(booking, tomorrow(6), Actor.CLIENT)
    work()
    assert reread(booking).join_url in said(mails, [AYA])
    assert "the former time" not in said(mails)
    assert "the same as before" not in said(mails)


def test_of_two_moves_at_once_the_link_is_new_though_the_former_meeting_is_deleted(
    app: Flask, mails: MailServer, sandbox: Sandbox
) -> None:
    booking = booked(sandbox, [*TWO, "meeting:delete:meeting"])
    for hour in (6, 9):
        moving.move(booking, tomorrow(hour), Actor.CLIENT)
    work_at_zoom(booking, "meeting.create", "meeting.delete")
    work()
    assert said(mails).count("The Zoom link is new: please use this one.") == 2


def test_a_link_is_not_the_same_where_the_meeting_could_not_be_moved_after_all(
    app: Flask, mails: MailServer, sandbox: Sandbox
) -> None:
    booking = booked(sandbox, SIX)
    number = booking.meeting.external_id
    zoom_meetings.delete(booking.host_id, number, lambda: None)
    moving.move(booking, tomorrow(6), Actor.CLIENT)
    work_at_zoom(booking, "meeting.move", "meeting.create")
    assert reread(booking).meeting.external_id != number
    work()
    db.session.expire_all()
    assert said(mails).count("The Zoom link is new: please use this one.") == 2


def replace(booking: Booking) -> None:
    """The meeting is found gone from Zoom."""
    number = reread(booking).meeting.external_id
    assert provision.replace_meeting(booking.id, number, is_gone=True)


def test_only_the_last_of_several_links_is_told(
    app: Flask, mails: MailServer, sandbox: Sandbox
) -> None:
    booking = booked(sandbox, TWO)
    for _ in range(2):
        replace(booking)
        work_at_zoom(booking, "meeting.create")
    replace(booking)  # while those mails wait for the mail server
    work_at_zoom(booking, "mail.attendee.link", "mail.host.link")
    assert len(mails.to(KEN)) == 1
    work()
    for address in (KEN, AYA):
        _confirmed, told = mails.to(address)
        assert reread(booking).join_url in text_of(told)


def test_a_meeting_in_an_earlier_account_is_no_failure_to_delete_another(
    app: Flask, mails: MailServer, sandbox: Sandbox
) -> None:
    booking = booked(sandbox, [*TWO, "meeting:delete:meeting"])
    first = booking.meeting.external_id
    granted = sandbox.grant("hana")
    zoom_service.link(booking.host_id, granted, identity.of_grant(granted))
    for hour in (6, 9):
        moving.move(booking, tomorrow(hour), Actor.HOST)
        work()
    assert set(at_zoom(sandbox)) == {first, reread(booking).meeting.external_id}
    assert [one.external_id for one in left_behind(booking)] == [first]
    assert "failed" not in {task.state for task in booking.tasks}
    service.cancel(booking, "client")
    work()
    assert set(at_zoom(sandbox)) == {first}
    assert remains(reread(booking)) is None
    assert [one.external_id for one in left_behind(booking)] == [first]
