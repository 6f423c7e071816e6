"""Two of everything, and starts at a bad moment."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager

import pytest

from tests.chaos.people import ChaosHost
from tests.chaos.well import assert_all_is_well
from tests.chaos.world import World
from tests.support.services import wait_until

pytestmark = pytest.mark.chaos


def test_two_workers_and_two_schedulers_do_each_thing_once(world: World, aya: ChaosHost) -> None:
    clients = aya.clients(32)
    world.have("worker", 2)
    world.have("scheduler", 2)
    with ThreadPoolExecutor(8) as pool:
        booked = list(pool.map(lambda client: client.book(), clients))
    assert_all_is_well(world, aya, booked, patience=90)


def test_two_schedulers_and_workers_find_the_same_lost_tasks(world: World, aya: ChaosHost) -> None:
    """All fall due at one moment, for both: the queue was away and comes back."""
    clients = aya.clients(16)
    world.have("worker", 2)
    world.have("scheduler", 2)
    with world.valkey.stopped():
        booked = [client.book() for client in clients]
    assert_all_is_well(world, aya, booked, patience=90)


@pytest.mark.parametrize("missing", ["valkey", "database"])
def test_a_worker_and_a_scheduler_start_while_something_is_missing(
    world: World, aya: ChaosHost, missing: str
) -> None:
    client = aya.client()
    world.have("worker", 0)
    world.have("scheduler", 0)
    booked = client.book()
    with without(world, missing):
        started = [world.start("worker"), world.start("scheduler")]
        for process in started:
            process.wait_for("started")
        wait_until(lambda: _has_met_it(world, missing), "what is missing to be missed")
    assert_all_is_well(world, aya, [booked])
    assert all(process.is_alive for process in started)


def without(world: World, missing: str) -> AbstractContextManager[None]:
    if missing == "valkey":
        return world.valkey.stopped()
    if world.engine == "postgresql":
        return world.postgres.stopped()
    pytest.skip("a SQLite file is always there; a lock on it is a wait, not an outage")


def _has_met_it(world: World, missing: str) -> bool:
    words = "queue unreachable" if missing == "valkey" else "sweep failed"
    return any(words in line for line in world.log())
