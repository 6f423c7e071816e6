"""The app on both databases, with a real Valkey; each test begins with empty tables.

The cast: Aya hosts, Ken books, Mallory is another host and gets 404.
"""

import gc
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import flask_migrate
import hypothesis
import pytest
import responses
from argon2 import PasswordHasher
from cryptography.fernet import Fernet
from flask import Flask
from sqlalchemy import CompoundSelect, literal, select, union_all

from app import create_app
from app.accounts import passwords
from app.core.config import Settings, load_settings
from app.db import db
from app.outbox import queue
from tests.support.services import (
    MailServer,
    create_database,
    postgres_folder,
    running_mail_server,
    running_postgres,
    running_valkey,
)
from tests.support.stack import Stack, running_stack_on
from tests.support.visitor import InProcess, Visitor

# How long a test takes is the benchmarks' business.
hypothesis.settings.register_profile("calsync", deadline=None)
hypothesis.settings.load_profile("calsync")


def pytest_collection_finish() -> None:
    """Spare the garbage collector what stays until the end: it would go through the app and all
    tests again and again, for a fifth of the time of a test that reads pages."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


# A password costs a tenth of a second of both cores, and hundreds of tests type one.
COSTLY_HASHER = passwords._hasher
passwords._hasher = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)

ENGINES = ("sqlite", "postgresql")
ZOOM_OAUTH = "https://zoom.example"
ZOOM_API = "https://api.zoom.example/v2"


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    with postgres_folder() as folder, running_postgres(folder, is_durable=False) as url:
        yield url


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_valkey(tmp_path_factory.mktemp("valkey")) as url:
        yield url


@pytest.fixture(scope="session")
def stacks(request: pytest.FixtureRequest) -> Iterator[Callable[[str], Stack]]:
    """`stacks("sqlite")`: a whole CalSync on that database. Browsers and journeys share it, since its
    eight processes take longer to start than most of their tests."""
    with ExitStack() as running:
        start = partial(running_stack_on, request=request)
        yield cache(lambda engine: running.enter_context(start(engine)))


def test_environment(folder: Path, **more: str) -> dict[str, str]:
    """The environment of an app under test; Zoom is a name that only `responses` answers to."""
    return {
        "INSTANCE_PATH": str(folder),
        "PUBLIC_BASE_URL": "http://127.0.0.1",
        "SECRET_KEY": "a secret for tests, long enough to be one",
        "TOKEN_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        "SMTP_URL": "smtp://127.0.0.1:1",
        "MAIL_FROM": "CalSync <no-reply@calsync.example>",
        "ZOOM_CLIENT_ID": "client-id",
        "ZOOM_CLIENT_SECRET": "client-secret",
        "ZOOM_WEBHOOK_SECRETS": "webhook-secret",
        "ZOOM_OAUTH_BASE_URL": ZOOM_OAUTH,
        "ZOOM_API_BASE_URL": ZOOM_API,
        "RATELIMIT_ENABLED": "false",
        "LOG_LEVEL": "WARNING",
    } | more


test_environment.__test__ = False  # type: ignore[attr-defined]


@pytest.fixture(scope="session", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def migrated_app(
    engine: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Flask]:
    """One app an engine, its schema built by the migrations."""
    folder = tmp_path_factory.mktemp(f"instance-{engine}")
    more = {"REDIS_URL": request.getfixturevalue("valkey")}
    if engine == "postgresql":
        server = request.getfixturevalue("postgres")
        more["DATABASE_URL"] = create_database(server, "calsync_unit")
    app = create_app(load_settings(test_environment(folder, **more)))
    app.testing = True
    with app.app_context():
        flask_migrate.upgrade()
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture(scope="session")
def bare_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """An app whose database and queue are not there, for what needs neither."""
    folder = tmp_path_factory.mktemp("bare")
    nowhere = f"sqlite:///{folder}/no-such-folder/calsync.db"
    app = create_app(load_settings(test_environment(folder, DATABASE_URL=nowhere)))
    app.testing = True
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def app(migrated_app: Flask) -> Iterator[Flask]:
    """The app with empty tables and an empty Valkey, inside its context."""
    with ExitStack() as stack:
        stack.enter_context(migrated_app.app_context())
        empty_tables()
        queue._connection(migrated_app.extensions["settings"].redis_url).flushall()
        yield migrated_app
        db.session.remove()


def empty_tables() -> None:
    """Delete from the tables that hold rows. PostgreSQL's TRUNCATE makes every table's files anew,
    and asking for its exclusive locks takes longer than most tests."""
    with db.engine.begin() as connection:
        full = set(connection.scalars(_full_tables()))
        if "users" in full:
            # First: events go with their host's account, and are not deleted before it.
            connection.execute(db.metadata.tables["users"].delete())
        for table in reversed(db.metadata.sorted_tables):
            if table.name in full:
                connection.execute(table.delete())


@cache
def _full_tables() -> CompoundSelect[tuple[str]]:
    """Which tables hold rows, asked in one statement."""
    return union_all(
        *(
            select(literal(table.name)).where(select(table).exists())
            for table in db.metadata.sorted_tables
        )
    )


@pytest.fixture
def settings(app: Flask) -> Settings:
    found: Settings = app.extensions["settings"]
    return found


@pytest.fixture
def change_settings(app: Flask) -> Iterator[Callable[..., Settings]]:
    """`change_settings(link_wait=…)`: the app with other settings until the test ends."""
    before: Settings = app.extensions["settings"]

    def change(**values: object) -> Settings:
        changed = replace(app.extensions["settings"], **values)
        app.extensions["settings"] = changed
        return changed

    yield change
    app.extensions["settings"] = before


@pytest.fixture
def costly_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords cost what they cost in production: for tests of that."""
    monkeypatch.setattr(passwords, "_hasher", COSTLY_HASHER)


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    """What Zoom answers. A call that no answer was laid out for fails as if there were no network."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as zoom:
        yield zoom


@pytest.fixture
def mails(app: Flask, change_settings: Callable[..., Settings]) -> Iterator[MailServer]:
    """A mail server that the app sends to."""
    with running_mail_server() as (server, address):
        change_settings(smtp_url=address)
        yield server


@pytest.fixture
def visit(app: Flask) -> Visitor:
    """Somebody without an account, with a browser in English."""
    return Visitor(InProcess(app))
