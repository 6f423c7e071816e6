"""How connections are set up, which the promises about bookings stand on."""

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError

from app.accounts.models import User
from app.db import db
from tests.support.cast import make_host


@pytest.fixture
def _on_sqlite(engine: str) -> None:
    if engine != "sqlite":
        pytest.skip("PostgreSQL locks rows and does all of this by itself")


@pytest.mark.usefixtures("_on_sqlite")
@pytest.mark.parametrize(
    ("pragma", "value"),
    [("journal_mode", "wal"), ("foreign_keys", 1), ("busy_timeout", 15000), ("synchronous", 2)],
)
def test_each_connection_to_sqlite_waits_syncs_and_keeps_foreign_keys(
    app: Flask, pragma: str, value: object
) -> None:
    assert db.session.scalar(text(f"PRAGMA {pragma}")) == value


@pytest.mark.usefixtures("_on_sqlite")
def test_on_sqlite_select_for_update_takes_the_write_lock_at_once(app: Flask) -> None:
    """BEGIN IMMEDIATE: with SQLAlchemy's default two bookers would both see the slot free."""
    make_host()
    db.session.remove()
    with db.engine.connect() as first, db.engine.connect() as second:
        second.exec_driver_sql("PRAGMA busy_timeout=50")
        first.execute(select(User.id).with_for_update())
        with pytest.raises(OperationalError, match="locked"):
            second.execute(select(User.id).with_for_update())
        assert second.scalar(select(User.id)) is not None  # who only reads does not wait
        first.rollback()
        second.execute(select(User.id).with_for_update())
        second.rollback()
        second.exec_driver_sql("PRAGMA busy_timeout=15000")


def test_an_answer_outlives_a_connection_that_dies_behind_it(app: Flask, engine: str) -> None:
    """What ends a request's context must not raise: the server would say 500 in its place."""
    if engine == "sqlite":
        pytest.skip("SQLite's connections have no server that could end")
    with app.app_context():
        own = db.session.scalar(text("SELECT pg_backend_pid()"))
        with db.engine.connect() as other:
            other.execute(text("SELECT pg_terminate_backend(:own, 5000)"), {"own": own})
    with app.app_context():
        assert db.session.scalar(text("SELECT 1")) == 1
