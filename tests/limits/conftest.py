"""An app whose limits are on, on the same database, behind one proxy; and people in networks."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask

from app import create_app
from app.core.config import Settings, load_settings
from app.db import db
from tests.conftest import test_environment
from tests.support.visitor import InProcess, Visitor


@pytest.fixture
def limited(app: Flask, settings: Settings, tmp_path: Path) -> Iterator[Flask]:
    environment = test_environment(
        tmp_path,
        RATELIMIT_ENABLED="true",
        PROXY_HOPS="1",
        REDIS_URL=settings.redis_url,
        DATABASE_URL=app.config["SQLALCHEMY_DATABASE_URI"],
        TOKEN_ENCRYPTION_KEYS=",".join(settings.token_encryption_keys),
    )
    second = create_app(load_settings(environment))
    second.testing = True
    yield second
    with second.app_context():
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def at(limited: Flask) -> Callable[..., Visitor]:
    """`at("203.0.113.7")`: somebody with a browser of their own, at that address."""

    def visitor(address: str, language: str = "en") -> Visitor:
        headers = {"X-Forwarded-For": address, "Accept-Language": language}
        return Visitor(InProcess(limited, headers))

    return visitor


def network(number: int) -> str:
    """An address in a /24 of its own."""
    return f"10.{number // 250}.{number % 250}.7"
