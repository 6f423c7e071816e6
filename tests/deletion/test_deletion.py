"""Deleting an account takes all of it, and tells in numbers what goes."""

import re
from pathlib import Path

import pytest
import responses
from flask import Flask
from sqlalchemy import delete

from app.accounts.models import User
from app.db import db
from tests.deletion.conftest import AYA, HANAKO, KEN, MALLORY, OTTO
from tests.deletion.steps import PERSONAL, Command, every_row, is_there, the_record
from tests.support.cast import (
    make_booking,
    make_host,
    make_page,
)
from tests.support.services import MailServer, sqlite_bytes
from tests.tasks.steps import event_of, text_of


def traces() -> set[tuple[str, str]]:
    """Where anything personal is, in any column of any table."""
    return {
        (name, trace)
        for name, rows in every_row().items()
        for row in rows
        for value in row
        for trace in PERSONAL
        if trace in str(value)
    }


def test_all_of_the_account_goes_and_nothing_of_anybody_else(
    mallory: User, revoked: responses.BaseResponse, delete_account: Command,
    request: pytest.FixtureRequest,
) -> None:  # fmt: skip
    before = every_row()
    request.getfixturevalue("aya")
    during = every_row()
    grown = {name for name, rows in during.items() if len(rows) > len(before[name]) > 0}
    assert grown == set(before) - {
        "zoom_events", "zoom_erasures", "deletions", "reply_mailboxes",
    }  # fmt: skip
    result = delete_account("--yes")
    assert result.exit_code == 0, result.output
    after = every_row()
    assert len(after.pop("deletions")) == 1
    assert before.pop("deletions") == []
    assert after == before


def test_no_trace_of_host_or_clients_is_left_in_any_table(
    aya: User, revoked: responses.BaseResponse, delete_account: Command
) -> None:
    forget_mallory()
    found = {trace for _table, trace in traces()}
    assert found == set(PERSONAL)
    assert delete_account("--yes").exit_code == 0
    assert traces() == set()


def forget_mallory() -> None:
    """The other host's clients are the same people; without her every trace is Aya's."""
    db.session.execute(delete(User).where(User.email == MALLORY))
    db.session.commit()


def test_sqlite_keeps_no_trace_in_its_files(
    aya: User, engine: str, revoked: responses.BaseResponse, delete_account: Command,
) -> None:  # fmt: skip
    if engine != "sqlite":
        pytest.skip("PostgreSQL frees the space in its own time")
    forget_mallory()
    path = Path(str(db.engine.url.database))
    assert AYA.encode() in sqlite_bytes(path)
    assert delete_account("--yes").exit_code == 0
    left = {trace for trace in PERSONAL if trace.encode() in sqlite_bytes(path)}
    assert left == set()


def test_clients_of_bookings_to_come_are_told_and_those_of_past_ones_are_not(
    aya: User, mails: MailServer, revoked: responses.BaseResponse, delete_account: Command
) -> None:
    assert delete_account("--yes").exit_code == 0
    assert len(mails.to(KEN)) == 2
    [to_hanako] = mails.to(HANAKO)
    assert mails.to(OTTO) == []
    assert len(mails.to(AYA)) == 3
    assert {str(event_of(mail)["STATUS"]) for mail in mails.messages} == {"CANCELLED"}
    assert all("Cancelled: Advice on taxes" in str(mail["Subject"]) for mail in mails.to(KEN))
    assert "Berlin" in text_of(mails.to(KEN)[0])
    assert re.search("取り消|キャンセル", str(to_hanako["Subject"]))
    assert "17:00" in text_of(to_hanako)  # 08:00 UTC in Tokyo


def test_the_record_says_how_much_and_not_whose(
    aya: User, revoked: responses.BaseResponse, delete_account: Command, app: Flask
) -> None:
    result = delete_account("--yes")
    record = the_record()
    assert (record.pages, record.bookings, record.called_off, record.unsent) == (1, 4, 3, 0)
    assert record.user_id is None
    assert record.finished_at is not None
    assert record.reference in result.output
    listed = app.test_cli_runner().invoke(args=["deletions"]).output
    assert record.reference in listed
    assert "finished" in listed
    assert "1 pages, 4 bookings, 3 cancelled for it, 0 clients not told" in listed


def test_the_address_is_free_again(
    aya: User, revoked: responses.BaseResponse, delete_account: Command
) -> None:
    assert delete_account("--yes").exit_code == 0
    again = make_host("Aya Sato", AYA)
    assert again.disabled_at is None
    assert make_booking(make_page(again)).is_live


def test_what_will_go_is_shown_in_numbers_without_anything_personal(
    aya: User, revoked: responses.BaseResponse, delete_account: Command
) -> None:
    shown = delete_account(typed="no\n").output
    for line in (
        "1  booking pages", "3  bookings to come", "1  bookings that have begun",
        "3  clients' names", "1  entries of time off", "1  Zoom connections", "1  signed-in",
        "13  tasks",
    ):  # fmt: skip
        assert f" {line}" in shown, line
    done = delete_account("--yes").output
    for trace in PERSONAL:
        assert trace not in shown + done, trace


@pytest.mark.parametrize("typed", ["no\n", "mallory@example.org\n", "y\n", ""])
def test_whoever_does_not_type_the_address_changes_nothing(
    aya: User, delete_account: Command, mails: MailServer, typed: str
) -> None:
    before = every_row()
    assert delete_account(typed=typed).exit_code != 0
    assert every_row() == before
    assert mails.messages == []


def test_whoever_types_the_address_in_any_case_goes_on(
    aya: User, revoked: responses.BaseResponse, delete_account: Command
) -> None:
    assert delete_account(email=" AYA@example.jp", typed="Aya@Example.JP\n").exit_code == 0
    assert not is_there()


def test_an_unknown_address_is_an_error(aya: User, delete_account: Command) -> None:
    before = every_row()
    result = delete_account("--yes", email="nobody@example.jp")
    assert result.exit_code != 0
    assert "No account has this address" in result.output
    assert every_row() == before
