"""One world an engine, made calm before each test; what a test broke is mended, not rebuilt."""

from collections.abc import Iterator

import pytest

from tests.chaos.people import ChaosHost, new_host
from tests.chaos.world import World, running_world


@pytest.fixture(scope="session")
def running(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running_world(engine, tmp_path_factory.mktemp(f"chaos-{engine}")) as world:
        yield world


@pytest.fixture
def world(running: World) -> World:
    running.make_calm()
    return running


@pytest.fixture
def aya(world: World) -> ChaosHost:
    """A host with a connected Zoom and a live page that makes meetings."""
    return new_host(world)
