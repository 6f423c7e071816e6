"""The Bookings section as CSV."""

import csv
import io
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask import Flask

from app.accounts.models import User
from app.bookings import service
from app.db import db
from app.desk import export
from app.desk.export import safe
from app.desk.filters import read_filters
from tests.support.cast import make_booking, make_host, make_page, tomorrow, visit_as

FILE = "/dashboard/bookings.csv"


@pytest.fixture
def aya(app: Flask) -> User:
    return make_host()


def rows(app: Flask, host: User, query: str = "", language: str = "en") -> list[dict[str, str]]:
    answer = visit_as(app, host, {"Accept-Language": language}).transport.send(
        "GET", f"{FILE}?{query}", None
    )
    assert answer.status == 200
    assert answer.text.startswith("\ufeff")
    assert answer.text.endswith("\r\n")
    return list(csv.DictReader(io.StringIO(answer.text[1:], newline="")))


def test_a_booking_is_a_row_in_the_hosts_zone_and_in_utc(app: Flask, aya: User) -> None:
    page = make_page(aya, horizon_days=None, location="Shibuya, 2F")
    booking = make_booking(
        page,
        datetime(2027, 12, 9, 15, 0, tzinfo=UTC),
        name="田中 健",
        note='He said "hi",\nthen left',
    )
    (row,) = rows(app, aya)
    assert row == row | {
        "Reference": booking.public_id,
        "Status": "Confirmed",
        "Start": "2027-12-10 00:00",
        "End": "2027-12-10 00:30",
        "Time zone": "Asia/Tokyo",
        "Start (UTC)": "2027-12-09T15:00:00Z",
        "End (UTC)": "2027-12-09T15:30:00Z",
        "Booking page": "Consultation",
        "Location": "Shibuya, 2F",
        "Name": "田中 健",
        "Email address": "ken@example.com",
        "Cancelled at": "",
    }
    assert row["Note"].splitlines() == ['He said "hi",', "then left"]


def test_columns_and_states_are_in_the_readers_language(app: Flask) -> None:
    aya = make_host(locale="ja")
    service.cancel(make_booking(make_page(aya)), by="client")
    (row,) = rows(app, aya, "tab=cancelled", "ja")
    assert "キャンセル" in row["状態"]
    assert row["開始 (UTC)"]


@pytest.mark.parametrize("beginning", ["=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r"])
def test_no_cell_is_a_formula(beginning: str) -> None:
    assert safe(f"{beginning}HYPERLINK(1)") == f"'{beginning}HYPERLINK(1)"
    assert safe(f"a{beginning}") == f"a{beginning}"


def test_what_a_client_types_is_no_formula_either(app: Flask, aya: User) -> None:
    make_booking(make_page(aya), name='=cmd|"/c calc"!A1', note="@SUM(1)")
    (row,) = rows(app, aya)
    assert row["Name"] == '\'=cmd|"/c calc"!A1'
    assert row["Note"] == "'@SUM(1)"


def test_the_file_holds_what_the_list_shows_all_of_it_in_its_order(
    app: Flask, aya: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "AT_ONCE", 3)
    page = make_page(aya)
    for number in range(7):
        make_booking(page, tomorrow(1) + timedelta(minutes=30 * number), name=f"Client {number}")
    make_booking(make_page(aya, title="Other"), tomorrow(9), name="Somebody else")
    for query in ("q=client", f"page_id={page.id}", "q=CLIENT&tab=upcoming"):
        assert [row["Name"] for row in rows(app, aya, query)] == [f"Client {n}" for n in range(7)]
    assert len(rows(app, aya)) == 8
    assert rows(app, aya, "tab=past") == []
    assert rows(app, make_host("Mallory")) == []


def test_between_two_pieces_no_connection_is_held(
    app: Flask, aya: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "AT_ONCE", 1)
    page = make_page(aya)
    for hour in range(3):
        make_booking(page, tomorrow(hour + 1))
    host_id, filters = aya.id, read_filters({}, ZoneInfo(aya.timezone))
    db.session.remove()
    told = export.words()
    for _piece in export.table(app, host_id, filters, told):
        assert db.engine.pool.checkedout() == 0  # type: ignore[attr-defined]


def test_the_answer_is_a_file_for_its_reader_alone(app: Flask, aya: User) -> None:
    make_booking(make_page(aya))
    visitor = visit_as(app, aya)
    assert visitor.get("/dashboard/bookings").has_link("Download as CSV")
    answer = visitor.transport.send("GET", f"{FILE}?tab=upcoming", None)
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"].startswith(
        'attachment; filename="calsync-bookings-upcoming-20'
    )
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert visitor.transport.send("GET", f"{FILE}?from=soon", None).status == 400
