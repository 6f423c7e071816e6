"""How long a sign-in lasts: renewed by use, ended after 30 days without it, and after 90 at last."""

from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from app.accounts import service
from app.accounts.models import SignIn
from app.core.clock import utcnow
from app.db import db
from app.tasks import sweep as sweeping
from app.tasks.sweep import sweep
from tests.support.cast import PASSWORD, make_host, visit_as
from tests.support.visitor import InProcess, Visitor


def test_a_host_who_comes_back_every_week_stays_signed_in_for_ninety_days(app: Flask) -> None:
    began = utcnow()
    make_host()
    with time_machine.travel(began):
        aya = Visitor(InProcess(app))
        form = aya.get("/login").form_to("/login")
        assert form.send(email="aya@example.jp", password=PASSWORD).path == "/dashboard"
    # The cookie lives as long: its browser would not send it otherwise.
    cookie = aya.transport.client.get_cookie("calsync", domain="127.0.0.1")  # type: ignore[attr-defined]
    assert (cookie.expires - began).days in {89, 90}
    for day in (7, 29, 31, 60, 89):
        with time_machine.travel(began + timedelta(days=day)):
            assert aya.get("/dashboard").path == "/dashboard", day
    with time_machine.travel(began + timedelta(days=91)):
        assert aya.get("/dashboard").path == "/login"


def test_thirty_days_without_use_end_a_sign_in(app: Flask) -> None:
    began = utcnow()
    aya = visit_as(app, make_host())
    with time_machine.travel(began + timedelta(days=30, minutes=1)):
        assert aya.get("/dashboard").path == "/login"


def test_use_is_written_down_once_an_hour_and_commits_nothing_else(app: Flask) -> None:
    host = make_host()
    token = service.begin_session(host, "a browser")
    began = utcnow()

    def seen() -> timedelta:
        db.session.rollback()
        return db.session.scalars(select(SignIn.seen_at)).one() - began

    with time_machine.travel(began + timedelta(minutes=59)):
        service.find_by_session(token)
        assert seen() < timedelta(seconds=5)
    with time_machine.travel(began + timedelta(minutes=61)):
        host.name = "Not saved"
        with db.session.no_autoflush:
            service.find_by_session(token)
        assert seen() > timedelta(minutes=60)
        assert host.name == "Aya Sato"


@pytest.mark.parametrize(("idle", "old"), [(31, 31), (1, 91)])
def test_ended_sign_ins_are_deleted(app: Flask, idle: int, old: int) -> None:
    app.extensions.pop(sweeping.FORGET, None)
    service.begin_session(make_host(), "a browser")
    [row] = db.session.scalars(select(SignIn))
    row.created_at -= timedelta(days=old)
    row.seen_at -= timedelta(days=idle)
    db.session.commit()
    sweep()
    app.extensions.pop(sweeping.FORGET, None)
    assert db.session.scalars(select(SignIn)).all() == []
