"""Join links and passcodes lie sealed in the database, and a lost key costs nothing but them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
import responses
from cryptography.fernet import Fernet
from flask import Flask
from sqlalchemy import select, text

from app import create_app, tasks
from app.accounts.models import User
from app.bookings.models import Booking
from app.bookings.service import cancel
from app.core.config import Settings
from app.db import db
from app.outbox import Task
from app.tasks.sweep import sweep
from tests.support.cast import connect_zoom, make_booking, make_host, make_page, visit_as
from tests.support.services import MailServer
from tests.support.visitor import InProcess, Visitor
from tests.tasks.steps import AYA, KEN, let_time_pass, text_of, work
from tests.zoom.api_steps import MEETINGS, made

LINK, PASSCODE = "https://zoom.example/j/85012345678?pwd=x", "123456"


@pytest.fixture
def booking(app: Flask, wire: responses.RequestsMock, mails: MailServer) -> Booking:
    """Ken's booking with its meeting, made by the worker; its mails have not left."""
    wire.post(MEETINGS, status=201, json=made())
    host = make_host()
    connect_zoom(host)
    found = make_booking(make_page(host, auto_zoom=True))
    tasks.run(db.session.scalars(select(Task.id).where(Task.kind == "meeting.create")).one())
    db.session.expire_all()
    return found


@pytest.fixture
def with_keys(app: Flask) -> Callable[..., object]:
    """`with with_keys(*keys)`: another process on the same database."""
    settings: Settings = app.extensions["settings"]

    @contextmanager
    def start(*keys: str) -> Iterator[Flask]:
        again = create_app(replace(settings, token_encryption_keys=keys))
        with again.app_context():
            yield again
            db.session.remove()
            db.engine.dispose()

    return start


def test_neither_lies_in_clear(booking: Booking) -> None:
    row = db.session.execute(text("SELECT join_url, passcode FROM meetings")).one()
    assert "zoom.example" not in str(row)
    assert PASSCODE not in str(row)
    assert (booking.join_url, booking.passcode) == (LINK, PASSCODE)


def test_pages_lists_and_mails_tell_them_all_the_same(
    app: Flask, booking: Booking, mails: MailServer
) -> None:
    client = Visitor(InProcess(app)).get(f"/booking/{booking.client.token}").text
    assert LINK in client
    assert PASSCODE in client
    aya = visit_as(app, booking.host)
    assert aya.get("/dashboard/bookings?q=Ken").one(f'a[href="{LINK}"]')
    assert LINK in aya.get(f"/dashboard/bookings/{booking.public_id}").text
    work()
    for address in (KEN, AYA):
        assert LINK in text_of(mails.to(address)[0])


def test_rotating_the_keys_seals_them_anew(
    app: Flask, booking: Booking, with_keys: Callable[..., Iterator[Flask]]
) -> None:
    old: str = app.extensions["settings"].token_encryption_keys[0]
    new = Fernet.generate_key().decode()
    with with_keys(new, old) as again:
        assert again.test_cli_runner().invoke(args=["rotate-keys"]).exit_code == 0
    with with_keys(new):
        found = db.session.scalars(select(Booking)).one()
        assert (found.join_url, found.passcode) == (LINK, PASSCODE)


def test_a_lost_key_leaves_every_page_standing(
    app: Flask, booking: Booking, with_keys: Callable[..., Iterator[Flask]]
) -> None:
    token, public_id = booking.client.token, booking.public_id
    with with_keys(Fernet.generate_key().decode()) as again:
        client = Visitor(InProcess(again))
        shown = client.get(f"/booking/{token}")
        assert shown.status == 200
        assert "The Zoom link is in the email about this booking." in shown.text
        assert client.get(f"/booking/{token}/invite.ics").status == 200
        aya = visit_as(again, db.session.scalars(select(User)).one())
        for page in ("", "?q=ken", f"/{public_id}", f"/{public_id}/cancel"):
            assert aya.get(f"/dashboard/bookings{page}").status == 200
        assert aya.get("/dashboard").status == 200
        sweep()
    assert booking.join_url == LINK


def test_a_mail_waits_for_the_key_instead_of_promising_a_link_that_exists(
    booking: Booking, with_keys: Callable[..., Iterator[Flask]], mails: MailServer
) -> None:
    with with_keys(Fernet.generate_key().decode()):
        for task_id in db.session.scalars(select(Task.id).where(Task.kind.like("mail.%"))).all():
            tasks.run(task_id)
        states = db.session.scalars(select(Task.state).where(Task.kind.like("mail.%"))).all()
        assert set(states) == {"waiting"}
    assert mails.messages == []
    let_time_pass()
    work()
    assert LINK in text_of(mails.to(AYA)[0])


def test_a_cancellation_needs_no_link_and_so_no_key(
    booking: Booking, with_keys: Callable[..., Iterator[Flask]], mails: MailServer
) -> None:
    with with_keys(Fernet.generate_key().decode()):
        cancel(db.session.scalars(select(Booking)).one(), by="client")
        kind = Task.kind == "mail.host.cancelled"
        tasks.run(db.session.scalars(select(Task.id).where(kind)).one())
    assert "has cancelled" in text_of(mails.to(AYA)[0])
