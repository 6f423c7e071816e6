"""`flask seed-reviewer`: an account for Zoom's reviewers, and its password on the terminal once."""

import re

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import select, text

from app.accounts.models import User
from app.accounts.service import authenticate
from app.booking_pages.models import BookingPage
from app.db import db
from app.zoom import service
from tests.support.cast import make_host, make_page
from tests.support.services import MailServer
from tests.support.visitor import InProcess, Visitor
from tests.tasks.steps import text_of, work
from tests.zoom.conftest import Sandbox, running_sandbox, sandbox

__all__ = ["running_sandbox", "sandbox"]

REVIEWER = "reviewer@calsync.example"


def seed(app: Flask, email: str = REVIEWER) -> Result:
    result = app.test_cli_runner().invoke(args=["seed-reviewer", email])
    db.session.rollback()
    db.session.expire_all()
    return result


def told(result: Result, what: str) -> str:
    found = re.search(rf"^{what}: +(\S+)$", result.output, re.MULTILINE)
    assert found, result.output
    return found[1]


def test_it_makes_a_verified_host_with_a_live_page_and_tells_how_to_sign_in(app: Flask) -> None:
    result = seed(app)
    assert result.exit_code == 0, result.output
    host = authenticate(REVIEWER, told(result, "Password"))
    assert host is not None
    assert (host.email_verified_at is not None, host.is_admin, host.locale) == (True, False, "en")
    page = db.session.scalars(select(BookingPage)).one()
    assert (page.user_id, page.auto_zoom, page.is_live) == (host.id, True, True)
    assert told(result, "Booking page").endswith(f"/b/{page.slug}")
    assert told(result, "Sign in").endswith("/login")


def test_the_password_is_kept_nowhere_and_logged_nowhere(
    app: Flask, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    password = told(seed(app), "Password")
    assert len(password) >= 16
    rows = [
        db.session.execute(text(f"SELECT * FROM {table.name}")).all()
        for table in db.metadata.sorted_tables
    ]
    assert password not in str(rows)
    assert password not in caplog.text + capsys.readouterr().err


def test_a_second_run_changes_nothing_and_says_what_to_do(app: Flask) -> None:
    password = told(seed(app), "Password")
    again = seed(app)
    assert again.exit_code == 1
    assert "has an account already" in again.output
    assert "flask delete-account" in again.output
    assert "Password:" not in again.output
    assert authenticate(REVIEWER, password) is not None
    assert db.session.query(BookingPage).count() == 1


def test_an_account_that_somebody_made_is_not_taken_over(app: Flask) -> None:
    stranger = make_host("Mallory", email=REVIEWER)
    before = stranger.credentials[0].secret
    assert seed(app).exit_code == 1
    assert db.session.scalars(select(User)).one().credentials[0].secret == before


def test_the_pages_usual_address_may_be_anothers(app: Flask) -> None:
    make_page(make_host(), slug="zoom-review")
    assert not told(seed(app), "Booking page").endswith("/b/zoom-review")


def test_the_address_is_kept_as_sign_in_reads_it(app: Flask) -> None:
    result = seed(app, "  Reviewer@CalSync.Example ")
    assert told(result, "Email") == REVIEWER


@pytest.mark.parametrize("email", ["reviewer", "a@b@c", "", "re viewer@calsync.example"])
def test_what_is_no_address_is_refused_and_makes_nothing(app: Flask, email: str) -> None:
    result = seed(app, email)
    assert result.exit_code == 1
    assert "Not an email address" in result.output
    assert db.session.query(User).count() == 0


def test_a_reviewer_gets_from_sign_in_to_a_meeting(
    app: Flask, mails: MailServer, sandbox: Sandbox
) -> None:
    """The test plan's main steps, at the sandbox; a client books, and both get the link."""
    result = seed(app)
    reviewer = Visitor(InProcess(app))
    reviewer.get("/login").press("Sign in", email=REVIEWER, password=told(result, "Password"))
    assert reviewer.get("/settings/integrations").has_link("Connect Zoom")
    service.link(db.session.scalars(select(User.id)).one(), sandbox.grant("aya"))
    client = Visitor(InProcess(app))
    path = "/b/" + told(result, "Booking page").rpartition("/")[2]
    shown = client.get(path)
    assert "Zoom link sent right after booking" in shown.text
    form = client.get(str(shown.all("a.time")[-1]["href"]))
    form.press("Book this time", name="Ken Yamada", email="ken@example.com")
    work()
    [meeting] = sandbox.get("meetings")
    for address in (REVIEWER, "ken@example.com"):
        assert meeting["join_url"] in text_of(mails.to(address)[0])
