"""Fixtures of this folder."""

import pytest
from flask import Flask
from redis import Redis

from app.accounts.models import User
from app.core.config import Settings
from tests.support.cast import make_host


@pytest.fixture
def host(app: Flask) -> User:
    return make_host()


@pytest.fixture
def valkey_of_app(settings: Settings) -> Redis:
    return Redis.from_url(settings.redis_url)
