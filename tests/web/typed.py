"""Every form that somebody types into, and what they have typed."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from flask import Flask
from sqlalchemy import select

from app.accounts.models import User
from app.bookings.slot_addresses import SLOT_FORM
from app.db import db
from tests.support.cast import PASSWORD, make_host, make_page, tomorrow, visit_as
from tests.support.visitor import Form, InProcess, Page, Visitor

NEW = "/dashboard/pages/new"


@dataclass
class Typed:
    """A form somewhere, and what somebody has typed into it."""

    path: str
    values: dict[str, str]
    is_hosts: bool = True


def forms(app: Flask) -> dict[str, Typed]:
    """Every form that takes more than a press, on rows that exist."""
    host = db.session.scalars(select(User)).one()
    page = make_page(host, slug="talk")
    slot = f"/b/talk/{tomorrow():{SLOT_FORM}}"
    row = {"hours-0-opens": "10:15", "hours-0-closes": "23:45", "hours-0-weekday": "6"}
    return {
        "new page": Typed(NEW, {"title": "Erstgespräch (初回)", "description": "A\nB", "duration": "x"} | row),
        "page": Typed(f"/dashboard/pages/{page.id}", {"title": "", "location": "Room 4"} | row),
        "time off": Typed("/dashboard/time-off", {"first_day": "2030-12-24", "label": "Trip"}),
        "profile": Typed("/settings", {"name": "Aya Ito", "timezone": "Europe/Berlin"}),
        "sign-in": Typed("/login", {"email": "aya@example.jp"}, is_hosts=False),
        "sign-up": Typed("/signup", {"email": "aya@example", "name": "Aya"}, is_hosts=False),
        "booking": Typed(
            slot,
            {"name": "山田 健", "email": "ken@", "note": "My\ncase", "timezone": "Europe/Berlin"},
            is_hosts=False,
        ),
    }  # fmt: skip


NAMES = ["new page", "page", "time off", "profile", "sign-in", "sign-up", "booking"]


@pytest.fixture
def host(app: Flask) -> User:
    return make_host()


@pytest.fixture
def visitor_of(app: Flask, host: User) -> Callable[[Typed], Visitor]:
    return lambda typed: visit_as(app, host) if typed.is_hosts else Visitor(InProcess(app))


def typed_form(page: Page) -> Form:
    form = page.one("form#typed")
    button = form.select_one("button")
    assert button is not None
    return Form(page, form, button)


def expect_kept(page: Page, typed: Typed) -> None:
    fields = dict(typed_form(page).fields)
    kept = {name: fields.get(name, "").replace("\r\n", "\n") for name in typed.values}
    assert kept == typed.values
    assert PASSWORD not in page.answer.text
