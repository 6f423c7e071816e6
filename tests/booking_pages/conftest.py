"""A host at her pages, and a day on which to make them."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import time_machine
from flask import Flask

from app.accounts.models import User
from tests.support.cast import make_host, visit_as
from tests.support.visitor import Visitor


@pytest.fixture
def host(app: Flask) -> User:
    return make_host()


@pytest.fixture
def aya(app: Flask, host: User) -> Visitor:
    return visit_as(app, host)


@pytest.fixture
def in_november() -> Iterator[None]:
    """Monday 9 November 2026, 09:00 in Tokyo."""
    with time_machine.travel(datetime(2026, 11, 9, 0, 0, tzinfo=UTC), tick=False):
        yield
