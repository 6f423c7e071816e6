"""The whole of CalSync once an engine, and people at their browsers."""

from collections.abc import Callable
from itertools import count

import pytest

from tests.journey.people import Host
from tests.support.stack import Stack
from tests.support.visitor import OverHttp, Visitor

_numbers = count(1)


@pytest.fixture(scope="session")
def stack(engine: str, stacks: Callable[[str], Stack]) -> Stack:
    return stacks(engine)


@pytest.fixture
def new_host(stack: Stack) -> Callable[..., Host]:
    """Signs up another host, who has a Zoom account of the same name at the sandbox."""

    def sign_up(name: str = "Aya Sato", language: str = "en") -> Host:
        host = Host(stack, f"{name.split(maxsplit=1)[0].lower()}{next(_numbers)}", name, language)
        host.sign_up()
        return host

    return sign_up


@pytest.fixture
def ken(stack: Stack) -> Visitor:
    """A client with a browser in English."""
    return Visitor(OverHttp(stack.base))
