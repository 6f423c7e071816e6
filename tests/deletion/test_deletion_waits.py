"""What a deletion waits for, and what holds nothing up."""

from datetime import timedelta
from typing import Any

import pytest
import requests
import responses
from flask import Flask
from sqlalchemy import select, update

from app.accounts import service as accounts
from app.accounts.models import SignIn, User
from app.booking_pages.models import BookingPage
from app.bookings import service as bookings
from app.bookings.attendees import Attendee
from app.bookings.models import Booking
from app.core.clock import utcnow
from app.db import db
from app.outbox import Task
from app.zoom.tokens import connection_of
from tests.conftest import ZOOM_API
from tests.deletion.conftest import AYA, HANAKO, KEN, MEETING, OTTO, REVOKE
from tests.deletion.steps import Command, is_there, the_record
from tests.support.cast import (
    PASSWORD,
    make_booking,
    move_back,
    tomorrow,
    visit_as,
)
from tests.support.services import MailServer
from tests.support.visitor import Visitor


def test_without_a_mail_server_the_account_closes_and_nothing_is_deleted(
    app: Flask, aya: User, mails: MailServer, revoked: responses.BaseResponse,
    delete_account: Command, visit: Visitor,
) -> None:  # fmt: skip
    browser = visit_as(app, aya)
    mails.recipient_answer = "451 4.3.0 try again later"
    result = delete_account("--yes")
    assert result.exit_code != 0
    assert "3 clients' cancellations are not sent" in result.output
    assert "run the same command again" in result.output
    assert mails.messages == []
    assert revoked.call_count == 0

    host = db.session.scalars(select(User).where(User.email == AYA)).one()
    assert len(db.session.scalars(select(Booking).where(Booking.host_id == host.id)).all()) == 4
    assert the_record().user_id == host.id
    assert the_record().finished_at is None
    assert "under way" in app.test_cli_runner().invoke(args=["deletions"]).output
    # Closed: neither password nor cookie opens it, and nobody can book.
    assert accounts.authenticate(AYA, PASSWORD) is None
    assert db.session.scalars(select(SignIn).where(SignIn.user_id == host.id)).all() == []
    assert browser.get("/dashboard").path == "/login"
    page = db.session.scalars(select(BookingPage).where(BookingPage.user_id == host.id)).one()
    assert not page.is_live
    with pytest.raises(bookings.OutsideHours):
        make_booking(page, tomorrow(10))

    mails.recipient_answer = ""
    again = delete_account("--yes")
    assert again.exit_code == 0, again.output
    assert (len(mails.to(KEN)), len(mails.to(HANAKO)), revoked.call_count) == (2, 1, 1)
    assert not is_there()
    assert the_record().reference in result.output
    assert the_record().reference in again.output
    assert the_record().called_off == 3


@pytest.mark.parametrize("answer", ["550 5.1.1 no such user", "451 4.3.0 try again later"])
def test_a_client_who_cannot_be_told_stops_it_until_the_operator_says_so(
    aya: User, mails: MailServer, revoked: responses.BaseResponse, delete_account: Command,
    answer: str,
) -> None:  # fmt: skip
    mails.recipient_answer = answer
    for _ in range(2):
        result = delete_account("--yes")
        assert result.exit_code != 0
        assert "3 clients' cancellations are not sent, 0 other tasks" in result.output
        assert answer not in result.output
        assert is_there()
    assert delete_account("--yes", "--even-unsent").exit_code == 0
    assert not is_there()
    assert the_record().unsent == 3


def test_the_hosts_own_full_mailbox_holds_nothing_up(
    aya: User, mails: MailServer, revoked: responses.BaseResponse, delete_account: Command
) -> None:
    async def refuse_the_host(*arguments: Any) -> str:
        envelope, address = arguments[2], arguments[3]
        if address == AYA:
            return "452 4.2.2 mailbox full"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    mails.handle_RCPT = refuse_the_host  # type: ignore[method-assign]
    result = delete_account("--yes")
    assert result.exit_code == 0, result.output
    assert (len(mails.to(KEN)), len(mails.to(HANAKO)), len(mails.to(AYA))) == (2, 1, 0)
    assert not is_there()


def test_the_token_is_given_back_to_zoom(
    aya: User, revoked: responses.BaseResponse, delete_account: Command
) -> None:
    result = delete_account("--yes")
    assert revoked.call_count == 1
    assert revoked.calls[0].request.body == "token=access-1"
    # Zoom's own meetings are the host's: without the permission none is touched.
    assert "1 meetings of cancelled bookings remain in Zoom" in result.output


@pytest.mark.parametrize("answer", [{"status": 500}, {"body": requests.ConnectTimeout()}])
def test_an_account_is_deleted_though_zoom_does_not_take_the_token_back(
    aya: User, wire: responses.RequestsMock, delete_account: Command, answer: dict[str, Any]
) -> None:
    tried = wire.post(REVOKE, **answer)
    assert delete_account("--yes").exit_code == 0
    assert tried.call_count == 1
    assert not is_there()


@pytest.mark.usefixtures("grant_deletion")
def test_meetings_are_deleted_at_zoom_first_where_the_host_allowed_it(
    aya: User, wire: responses.RequestsMock, delete_account: Command
) -> None:
    wire.delete(f"{ZOOM_API}/meetings/{MEETING}", status=204)
    wire.post(REVOKE, json={"status": "success"})
    assert delete_account("--yes").exit_code == 0
    assert [call.request.method for call in wire.calls] == ["DELETE", "POST"]


@pytest.mark.usefixtures("grant_deletion")
def test_while_zoom_is_ill_the_meeting_waits_and_the_account_with_it(
    aya: User, wire: responses.RequestsMock, revoked: responses.BaseResponse,
    delete_account: Command, mails: MailServer,
) -> None:  # fmt: skip
    host_id = aya.id
    ill = wire.delete(f"{ZOOM_API}/meetings/{MEETING}", status=503)
    result = delete_account("--yes")
    assert result.exit_code != 0
    assert "0 clients' cancellations are not sent, 1 other tasks" in result.output
    assert connection_of(host_id) is not None
    wire.remove(ill)
    deleted = wire.delete(f"{ZOOM_API}/meetings/{MEETING}", status=204)
    assert delete_account("--yes").exit_code == 0
    assert (deleted.call_count, revoked.call_count) == (1, 1)
    assert len(mails.messages) == 6  # nobody was told twice


@pytest.mark.usefixtures("grant_deletion")
def test_a_meeting_that_zoom_refuses_to_delete_holds_nothing_up_and_is_told(
    aya: User, wire: responses.RequestsMock, revoked: responses.BaseResponse,
    delete_account: Command,
) -> None:  # fmt: skip
    wire.delete(f"{ZOOM_API}/meetings/{MEETING}", status=400, json={"code": 300, "message": "No."})
    result = delete_account("--yes")
    assert result.exit_code == 0, result.output
    assert "1 meetings of cancelled bookings remain in Zoom" in result.output
    assert not is_there()


def test_a_meeting_under_way_is_not_called_off(
    aya: User, mails: MailServer, revoked: responses.BaseResponse, delete_account: Command
) -> None:
    booking = db.session.scalars(
        select(Booking).join(Booking.client).where(Attendee.email == HANAKO)
    ).one()
    move_back(booking, booking.starts_at - utcnow() + timedelta(minutes=5))
    assert delete_account("--yes").exit_code == 0
    assert mails.to(HANAKO) == []
    assert the_record().called_off == 2
    assert not is_there()


def test_a_failed_mail_of_a_booking_long_over_holds_nothing_up(
    aya: User, revoked: responses.BaseResponse, delete_account: Command
) -> None:
    over = (
        select(Booking.id)
        .join(Booking.client)
        .where(Attendee.email == OTTO, Booking.host_id == aya.id)
    )
    db.session.execute(
        update(Task)
        .where(Task.booking_id.in_(over))
        .values(state="failed", kind="mail.attendee.cancelled")
    )
    db.session.commit()
    assert delete_account("--yes").exit_code == 0
    assert not is_there()


def test_what_hangs_on_an_account_goes_with_it() -> None:
    """A table that is added later must not keep an account from going, nor stay behind."""
    for table in db.metadata.sorted_tables:
        for key in table.foreign_keys:
            rule = "SET NULL" if table.name == "deletions" else "CASCADE"
            assert key.ondelete == rule, key


def test_reminders_are_called_off_at_once_and_hold_nothing_up(
    app: Flask, aya: User, mails: MailServer, delete_account: Command
) -> None:
    reminders = (
        select(Task.state)
        .join(Booking, Booking.id == Task.booking_id)
        .where(Booking.host_id == aya.id, Task.kind.like("%.reminder"))
    )
    assert "waiting" in db.session.scalars(reminders).all()
    mails.recipient_answer = "451 4.3.0 try again later"
    assert delete_account("--yes").exit_code != 0
    assert set(db.session.scalars(reminders).all()) == {"cancelled"}
    mails.recipient_answer = ""
    assert delete_account("--yes").exit_code == 0
    assert not is_there()
    assert not [mail for mail in mails.messages if "Reminder" in str(mail["Subject"])]
