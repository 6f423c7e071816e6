"""A host's lists take as many statements with many bookings as with few, and indexes alone choose."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import Select, text

from app.accounts.models import User
from app.bookings import resend
from app.bookings.search_words import MOST_BYTES, search_words
from app.core.clock import utcnow
from app.db import db
from app.desk.filters import Place, read_filters
from app.desk.finding import chosen
from bench import crowded
from bench.page import counting
from tests.support.cast import make_booking, make_host, make_page, tomorrow, visit_as

LIST = "/dashboard/bookings"
ADDRESSES = (
    "/dashboard", LIST, f"{LIST}?tab=past", f"{LIST}?tab=cancelled", f"{LIST}?tab=attention",
    f"{LIST}?tab=past&q=client&from=2020-01-01&to=2099-12-31",
)  # fmt: skip


def statements(visitor: Any, address: str) -> int:
    with counting() as seen:
        assert visitor.get(address).status == 200
    return len(seen)


@pytest.fixture
def few_and_many(app: Flask) -> tuple[User, User]:
    """A host with ten bookings, and one with a thousand."""
    found = []
    for number, count in enumerate((10, 1_000)):
        host = make_host(f"Host{number}")
        page = make_page(host, auto_zoom=True)
        owner = crowded.Owner(host.id, [(page.id, page.title)])
        crowded.fill([owner], count, 10_000_000 * (number + 1) + int(utcnow().timestamp()) % 10**6)
        found.append(host)
    crowded.settle()
    return found[0], found[1]


def test_as_many_statements_with_many_bookings_as_with_few(
    app: Flask, few_and_many: tuple[User, User]
) -> None:
    few, many = (visit_as(app, host) for host in few_and_many)
    for address in ADDRESSES:
        assert statements(many, address) == statements(few, address) <= 9, address


WAYS: dict[str, tuple[dict[str, str], bool]] = {
    "upcoming": ({}, False),
    "past, deep": ({"tab": "past"}, True),
    "searched": ({"tab": "past", "q": "田中"}, False),
    "one page, searched": ({"tab": "past", "q": "nobody", "page_id": "1"}, True),
    "cancelled": ({"tab": "cancelled"}, True),
    "a period": ({"tab": "past", "from": "2026-01-01", "to": "2026-12-31"}, False),
}


def test_the_index_of_lists_alone_says_which_are_shown(
    app: Flask, few_and_many: tuple[User, User]
) -> None:
    host = few_and_many[1]
    is_sqlite = db.engine.dialect.name == "sqlite"
    wanted, unwanted = (
        ("COVERING INDEX", "TEMP B-TREE") if is_sqlite else ("Index Only Scan", "Sort")
    )
    for way, (sent, is_deep) in WAYS.items():
        filters = read_filters(sent, ZoneInfo(host.timezone))
        place = Place(utcnow() - timedelta(days=2), 10_000_000) if is_deep else None
        plan = explained(chosen(host.id, filters, place, most=51))
        assert "ix_bookings_host_id_listed" in plan, (way, plan)
        assert wanted in plan, (way, plan)
        assert unwanted not in plan, (way, plan)


def explained(statement: Select[Any]) -> str:
    """How the database would go about it. A table of a test is small enough to be read whole, by rows or by
    any index: that is taken from PostgreSQL."""
    compiled = statement.compile(db.engine, compile_kwargs={"render_postcompile": True})
    is_sqlite = db.engine.dialect.name == "sqlite"
    with db.engine.connect() as connection:
        if not is_sqlite:
            for way in ("enable_seqscan", "enable_bitmapscan"):
                connection.execute(text(f"SET LOCAL {way} = off"))
            connection.execute(text("DROP INDEX ix_bookings_page_id_starts_at"))
        prefix = "EXPLAIN QUERY PLAN " if is_sqlite else "EXPLAIN "
        rows = connection.exec_driver_sql(prefix + str(compiled), _driver_values(compiled)).all()
        connection.rollback()
    return "\n".join(str(row[-1]) for row in rows)


def _driver_values(compiled: Any) -> Any:
    """The parameters as the driver takes them."""
    processors = compiled._bind_processors
    values = {
        name: processors[name](value) if name in processors else value
        for name, value in compiled.params.items()
    }
    return tuple(values[name] for name in compiled.positiontup) if compiled.positiontup else values


@pytest.mark.parametrize(
    "query", ["田中", "ﾀﾅｶ", "TANAKA", "ＴＡＮＡＫＡ", "（株）", "@EXAMPLE.com", "中 タ"]
)
def test_what_was_found_before_is_found(app: Flask, query: str) -> None:
    aya = make_host()
    page = make_page(aya, title="㈱の相談")
    make_booking(page, tomorrow(1), name="田中 タナカ Tanaka", email="t@example.com")
    make_booking(make_page(aya, title="Other"), tomorrow(2), name="Lena", email="l@elsewhere.jp")
    shown = visit_as(app, aya).get(f"{LIST}?q={query}")
    assert [one.get_text() for one in shown.all(".cover")] == ["田中 タナカ Tanaka"]


def test_nothing_is_found_across_name_and_address(app: Flask) -> None:
    aya = make_host()
    make_booking(make_page(aya), name="Ken", email="ken@example.com")
    assert not visit_as(app, aya).get(f"{LIST}?q=kenken").all(".cover")


def test_a_corrected_address_is_found_and_the_old_one_is_not(app: Flask) -> None:
    aya = make_host()
    booking = make_booking(make_page(aya), email="typo@example.com")
    resend.correct_address(booking, "right@example.com")
    visitor = visit_as(app, aya)
    assert visitor.get(f"{LIST}?q=right@").all(".cover")
    assert not visitor.get(f"{LIST}?q=typo@").all(".cover")


def test_the_longest_words_fit_into_the_index(app: Flask) -> None:
    # ﷺ is eighteen letters once it is folded.
    words = search_words("ﷺ" * 120, f"{'a' * 60}@example.com", "㍿" * 120)
    assert MOST_BYTES - 4 < len(words.encode()) <= MOST_BYTES
    booking = make_booking(make_page(make_host(), title="㍿" * 120), name="ﷺ" * 120)
    assert len(booking.search_words.encode()) <= MOST_BYTES
