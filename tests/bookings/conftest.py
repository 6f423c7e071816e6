"""Fixtures of this folder."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import time_machine


@pytest.fixture
def early_december() -> Iterator[None]:
    """Tuesday 1 December 2026, 00:30 in Tokyo."""
    with time_machine.travel(datetime(2026, 11, 30, 15, 30, tzinfo=UTC), tick=False):
        yield
