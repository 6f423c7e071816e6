"""What a load balancer asks."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import flask_migrate
import pytest
from flask import Flask
from sqlalchemy import event, text

from app import create_app
from app.core.config import Settings, load_settings
from app.db import db
from app.i18n.zones import RULES_VERSION
from tests.conftest import test_environment
from tests.support.visitor import InProcess


def ask(app: Flask, path: str) -> tuple[int, dict[str, str]]:
    answer = InProcess(app).send("GET", path, None)
    return answer.status, json.loads(answer.text)


@pytest.fixture
def another_app(tmp_path: Path, valkey: str) -> Iterator[Flask]:
    """An app on an empty SQLite."""
    app = create_app(load_settings(test_environment(tmp_path, REDIS_URL=valkey)))
    yield app
    with app.app_context():
        db.engine.dispose()


def test_a_process_is_alive_without_database_and_queue(bare_app: Flask) -> None:
    assert ask(bare_app, "/healthz") == (200, {"status": "ok"})


def test_being_alive_asks_the_database_nothing(app: Flask) -> None:
    statements: list[str] = []

    def listen(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        statements.append(statement)

    event.listen(db.engine, "before_cursor_execute", listen)
    try:
        assert ask(app, "/healthz")[0] == 200
    finally:
        event.remove(db.engine, "before_cursor_execute", listen)
    assert statements == []


def test_all_is_ready(app: Flask) -> None:
    assert ask(app, "/readyz") == (
        200,
        {"status": "ok", "database": "ok", "queue": "ok", "zone_rules": RULES_VERSION},
    )


def test_without_the_queue_it_is_degraded_not_dead(
    app: Flask, change_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    change_settings(redis_url=f"unix://{tmp_path}/nobody.sock")
    assert ask(app, "/readyz") == (
        200,
        {
            "status": "degraded",
            "database": "ok",
            "queue": "unreachable",
            "zone_rules": RULES_VERSION,
        },
    )


def test_without_the_database_it_is_unavailable(bare_app: Flask) -> None:
    status, said = ask(bare_app, "/readyz")
    assert status == 503
    assert (said["status"], said["database"]) == ("unavailable", "unreachable")


def test_before_the_migrations_it_is_unavailable(another_app: Flask) -> None:
    assert ask(another_app, "/readyz")[1]["database"] == "not migrated"
    with another_app.app_context():
        flask_migrate.upgrade()
    assert ask(another_app, "/readyz")[0] == 200


def test_a_database_that_the_next_release_has_migrated_is_ready(another_app: Flask) -> None:
    with another_app.app_context():
        flask_migrate.upgrade()
        with db.engine.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert ask(another_app, "/readyz") == (
        200,
        {"status": "ok", "database": "ok", "queue": "ok", "zone_rules": RULES_VERSION},
    )


def test_a_database_of_the_release_before_is_not_ready(another_app: Flask) -> None:
    with another_app.app_context():
        flask_migrate.upgrade(revision="0003")
    assert ask(another_app, "/readyz") == (
        503,
        {
            "status": "unavailable",
            "database": "not migrated",
            "queue": "ok",
            "zone_rules": RULES_VERSION,
        },
    )
