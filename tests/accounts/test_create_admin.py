"""`flask create-admin`: the rules of the sign-up, and no account taken over by accident."""

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import select

from app.accounts.models import SignIn, User
from app.db import db
from tests.support.cast import PASSWORD, connect_zoom, make_booking, make_host, make_page, visit_as
from tests.support.visitor import InProcess, Visitor

NEW = "an admin's own words"


def create_admin(app: Flask, email: str, *more: str, password: str = NEW) -> Result:
    return app.test_cli_runner().invoke(
        args=["create-admin", email, *more], input=f"{password}\n{password}\n"
    )


def test_an_admin_signs_in_with_what_was_given(app: Flask) -> None:
    done = create_admin(app, " Root＠Example.JP ")
    assert done.exit_code == 0, done.output
    user = db.session.scalars(select(User)).one()
    assert (user.email, user.name, user.is_admin) == ("root@example.jp", "root", True)
    form = Visitor(InProcess(app)).get("/login").form_to("/login")
    assert form.send(email="root@example.jp", password=NEW).path == "/dashboard"


@pytest.mark.parametrize("email", ["root", "root@", "a b@example.jp", "日本@example.jp", "", "a@b"])
def test_what_is_no_address_is_refused_as_in_a_form(app: Flask, email: str) -> None:
    refused = create_admin(app, email)
    assert refused.exit_code == 1
    assert "Email address: Enter" in refused.output
    assert db.session.query(User).count() == 0


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("short", "8 or more"),
        ("password", "Many people use"),
        ("root1234", "Many people|your name"),
    ],
)
def test_a_password_that_is_guessed_first_is_refused(
    app: Flask, password: str, reason: str
) -> None:
    refused = create_admin(app, "root@example.jp", password=password)
    assert refused.exit_code == 1
    assert any(words in refused.output for words in reason.split("|"))
    assert db.session.query(User).count() == 0


def test_an_account_that_exists_is_shown_and_left_alone(app: Flask) -> None:
    """Somebody else may have signed up with the admin's address before."""
    mallory = make_host("Mallory", "root@example.jp")
    make_booking(make_page(mallory))
    connect_zoom(mallory)
    refused = create_admin(app, "root@example.jp")
    assert refused.exit_code == 1
    for words in ("1 booking pages, 1 bookings, a Zoom connection", "Nothing was changed",
                  "flask delete-account root@example.jp", "--take-over"):  # fmt: skip
        assert words in refused.output
    db.session.expire_all()
    assert not mallory.is_admin


def test_taking_over_is_said_aloud_and_signs_every_browser_out(app: Flask) -> None:
    host = make_host("Root", "root@example.jp")
    before = visit_as(app, host)
    done = create_admin(app, "root@example.jp", "--take-over")
    assert done.exit_code == 0, done.output
    assert "every browser is signed out" in done.output
    assert before.get("/dashboard").path == "/login"
    assert db.session.query(SignIn).count() == 0
    form = Visitor(InProcess(app)).get("/login").form_to("/login")
    assert form.send(email="root@example.jp", password=PASSWORD).status == 422
    assert form.send(email="root@example.jp", password=NEW).path == "/dashboard"
