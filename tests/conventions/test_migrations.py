"""The schema comes from the migrations, and says what the models say."""

from collections.abc import Iterator
from pathlib import Path

import flask_migrate
import pytest
from flask import Flask
from sqlalchemy import inspect, text

from app import create_app
from app.core.config import load_settings
from app.db import db
from tests.conftest import test_environment
from tests.support.services import create_database

TRIGGERS = {"tr_holds_no_overlap_insert", "tr_holds_no_overlap_update"}


@pytest.fixture
def fresh_app(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Flask]:
    """An app on an empty database."""
    more = {}
    if engine == "postgresql":
        server = request.getfixturevalue("postgres")
        more["DATABASE_URL"] = create_database(server, f"migrations_{tmp_path.name[-40:]}")
    app = create_app(load_settings(test_environment(tmp_path, **more)))
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def tables() -> set[str]:
    return set(inspect(db.engine).get_table_names()) - {"alembic_version"}


def fences(engine: str) -> set[str]:
    """What keeps overlaps out."""
    query = (
        "SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE '%no_overlap%'"
        if engine == "sqlite"
        else "SELECT conname FROM pg_constraint WHERE contype = 'x'"
    )
    with db.engine.connect() as connection:
        return set(connection.scalars(text(query)))


def test_the_models_ask_for_nothing_that_the_migrations_do_not_make(app: Flask) -> None:
    flask_migrate.check()


def test_the_fence_against_overlaps_stands_after_every_migration(app: Flask, engine: str) -> None:
    assert fences(engine) == (TRIGGERS if engine == "sqlite" else {"ex_holds_no_overlap"})


def test_down_to_nothing_and_up_again(fresh_app: Flask, engine: str) -> None:
    flask_migrate.upgrade()
    made, fenced = tables(), fences(engine)
    assert made == {table.name for table in db.metadata.sorted_tables}
    flask_migrate.downgrade(revision="base")
    assert tables() == set()
    flask_migrate.upgrade()
    assert (tables(), fences(engine)) == (made, fenced)
    flask_migrate.check()


def test_upgrading_twice_changes_nothing(fresh_app: Flask) -> None:
    flask_migrate.upgrade()
    before = tables()
    flask_migrate.upgrade()
    assert tables() == before
