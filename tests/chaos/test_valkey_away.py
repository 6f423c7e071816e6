"""Valkey carries ids to workers quickly, and nothing else: whatever becomes of it, nothing is lost."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.chaos.parts import patiently
from tests.chaos.people import ChaosHost
from tests.chaos.well import assert_all_is_well
from tests.chaos.world import World
from tests.support.services import wait_until

# A limit of patience for a machine that does other things too; alone it takes 0.1 s.
PROMPTLY = 4.0
LOSSES: dict[str, Callable[[World], None]] = {
    "restarted": lambda world: world.valkey.restart(),
    "flushed": lambda world: world.valkey.flush(),
}


@pytest.mark.parametrize("loss", ["flushed", pytest.param("restarted", marks=pytest.mark.chaos)])
def test_what_was_queued_when_it_lost_everything_is_done(
    world: World, aya: ChaosHost, loss: str
) -> None:
    clients = aya.clients(3)
    worker, scheduler = world.worker, world.processes["scheduler"][0]
    worker.freeze()
    booked = [client.book() for client in clients]
    # The frozen worker waits for one, and has it already as far as Valkey knows.
    assert world.valkey.queued() >= 2
    LOSSES[loss](world)
    worker.thaw()
    assert_all_is_well(world, aya, booked)
    assert worker.is_alive
    assert scheduler.is_alive


@pytest.mark.chaos
def test_a_restart_in_the_middle_of_a_job(world: World, aya: ChaosHost) -> None:
    world.fault("slow", seconds=1.5)
    worker = world.worker
    booked = aya.client().book()
    wait_until(lambda: world.meetings(aya.handle), "the meeting at Zoom")
    world.valkey.restart()
    assert_all_is_well(world, aya, [booked])
    assert worker.is_alive


@pytest.mark.chaos
def test_bookings_are_answered_at_once_while_it_is_stopped(world: World, aya: ChaosHost) -> None:
    clients = aya.clients(3)
    worker = world.worker
    with world.valkey.stopped():
        booked = [patiently(client.book, PROMPTLY) for client in clients]
        assert "Creating your Zoom meeting" in booked[0].page().text
    assert_all_is_well(world, aya, booked)
    assert worker.is_alive


@pytest.mark.chaos
def test_bookings_are_answered_while_it_takes_connections_and_never_answers(
    world: World, aya: ChaosHost
) -> None:
    clients = aya.clients(3)
    with world.valkey.frozen():
        # Each waits for the limits' store and for the queue, a second each at most.
        booked = [patiently(client.book, 2 * PROMPTLY) for client in clients]
    assert_all_is_well(world, aya, booked)


@pytest.mark.chaos
def test_eighty_bookings_made_while_it_was_stopped_have_their_meetings_and_mails(
    world: World, aya: ChaosHost
) -> None:
    clients = aya.clients(80)
    with world.valkey.stopped(), ThreadPoolExecutor(4) as pool:
        booked = list(pool.map(lambda client: client.book(), clients))
        assert world.meetings(aya.handle) == []
        assert world.mails(aya.email) == []
    assert_all_is_well(world, aya, booked, patience=180)
