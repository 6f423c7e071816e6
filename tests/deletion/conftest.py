"""Two hosts with all that an account can have: Aya's is deleted, Mallory's must not notice."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import responses
from click.testing import Result
from flask import Flask

from app.accounts import service as accounts
from app.accounts.models import User
from app.booking_pages.models import BookingPage, PageReminder
from app.bookings.meetings import Meeting
from app.bookings.models import Booking, Change
from app.core.clock import utcnow
from app.db import db
from app.outbox import new_task
from app.schedules.models import TimeOff
from app.zoom.abilities import DELETE
from app.zoom.tokens import connection_of
from tests.conftest import ZOOM_OAUTH
from tests.support.cast import connect_zoom, make_booking, make_host, make_page, move_back, tomorrow
from tests.support.services import MailServer
from tests.tasks.steps import work

AYA, MALLORY = "aya@example.jp", "mallory@example.org"
KEN, HANAKO, OTTO = "ken@example.com", "hanako@example.jp", "otto@example.net"
REVOKE = f"{ZOOM_OAUTH}/oauth/revoke"
MEETING = 85012345678


def make_account(host: User, slug: str) -> BookingPage:
    """A page with words, hours and other hours, time off, a sign-in, a task of the account, and
    Otto's booking of last month. Gives the page."""
    page = make_page(
        host, slug=slug, title="Advice on taxes", description="Bring your papers",
        location="Second floor", overrides=[((utcnow() + timedelta(days=9)).date(), None, None)],
    )  # fmt: skip
    page.reminders = [PageReminder(party="client", minutes=60)]
    accounts.begin_session(host, "an old browser")
    start = tomorrow(20)
    db.session.add(
        TimeOff(host_id=host.id, starts_at=start, ends_at=start + timedelta(1), label="Dentist")
    )
    of_account = new_task("mail.host.confirmed", f"{slug}:of-the-account")
    of_account.user_id, of_account.state = host.id, "done"
    db.session.add(of_account)
    over = make_booking(page, tomorrow(3), name="Otto Alt", email=OTTO, note="My knee hurts")
    work()
    move_back(over, timedelta(days=30))
    over.meeting = Meeting(
        provider="zoom", state="ready", join_url="https://zoom.example/j/1", passcode="otto-pass"
    )
    over.changes.append(Change(sequence=1, by="host", words="My knee hurts"))
    db.session.commit()
    return page


def hold_meeting(booking: Booking, meeting_id: int) -> None:
    """The booking has a meeting at Zoom."""
    booking.meeting = Meeting(
        provider="zoom",
        state="ready",
        external_id=meeting_id,
        join_url=f"https://zoom.example/j/{meeting_id}",
        passcode="ken-pass",
    )
    db.session.commit()


@pytest.fixture
def mallory(app: Flask, mails: MailServer) -> User:
    """Another host, with the same clients."""
    host = make_host("Mallory Kent", MALLORY)
    page = make_account(host, "mallory-consults")
    connect_zoom(host, access_token="access-of-mallory", zoom_user_id="mallory-at-zoom")
    make_booking(page, tomorrow(5))
    work()
    return host


@pytest.fixture
def aya(mallory: User, mails: MailServer) -> User:
    """The host who goes: Ken (in English) and Hanako (in Japanese) have bookings to come, Ken one
    that he cancelled and one with a meeting at Zoom. All mails so far are out."""
    host = make_host("Aya Sato", AYA)
    page = make_account(host, "aya-consults")
    make_booking(page, tomorrow(6), note="About my inheritance")
    hold_meeting(make_booking(page, tomorrow(7)), MEETING)
    make_booking(
        page, tomorrow(8), name="山田花子", email=HANAKO, note="相続の相談",
        timezone="Asia/Tokyo", locale="ja",
    )  # fmt: skip
    connect_zoom(host, zoom_user_id="aya-at-zoom", zoom_email="aya@zoom.example")
    work()
    mails.messages.clear()
    return host


@pytest.fixture
def grant_deletion(aya: User) -> None:
    """Aya has allowed CalSync to delete meetings."""
    connection = connection_of(aya.id)
    assert connection is not None
    connection.scopes += f" {DELETE}"
    db.session.commit()


@pytest.fixture
def revoked(wire: responses.RequestsMock) -> responses.BaseResponse:
    """Zoom takes tokens back."""
    return wire.post(REVOKE, json={"status": "success"})


@pytest.fixture
def delete_account(app: Flask) -> Callable[..., Result]:
    """`delete_account("--yes")`: the command on Aya's account, with little patience."""

    def run(*options: str, email: str = AYA, typed: str | None = None) -> Result:
        arguments = ["delete-account", email, "--patience", "0.5", *options]
        result = app.test_cli_runner().invoke(args=arguments, input=typed)
        db.session.remove()
        return result

    return run
