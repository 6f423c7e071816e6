"""kill -9 at every moment of a task.

RQ's SimpleWorker does its jobs in its own process. It has no work horse, so killing the horse
alone and killing the worker are one and the same here.
"""

import pytest

from tests.chaos.people import Booked, ChaosHost
from tests.chaos.well import assert_all_is_well
from tests.chaos.world import World
from tests.support.services import wait_until

# Longer than any test waits: who ordered it kills the worker meanwhile.
FOR_GOOD = 60.0


def book(aya: ChaosHost) -> Booked:
    return aya.client().book()


@pytest.mark.chaos
def test_before_it_claims_what_it_took_from_the_queue(world: World, aya: ChaosHost) -> None:
    client = aya.client()
    world.worker.freeze()
    booked = client.book()
    with world.database.writers_wait():
        world.worker.thaw()
        wait_until(lambda: world.valkey.queued() == 0, "the job to leave the queue")
        world.kill_worker()
    world.have("worker", 1)
    assert_all_is_well(world, aya, [booked])


@pytest.mark.chaos
def test_before_zoom_does_anything(world: World, aya: ChaosHost) -> None:
    world.fault("hang", seconds=FOR_GOOD)
    booked = book(aya)
    world.wait_for_fault()
    world.kill_worker()
    assert world.meetings(aya.handle) == []
    world.have("worker", 1)
    assert_all_is_well(world, aya, [booked])


def test_while_zoom_holds_back_the_answer_about_a_meeting_that_is_made(
    world: World, aya: ChaosHost
) -> None:
    world.fault("slow", seconds=1.9)
    booked = book(aya)
    wait_until(lambda: world.meetings(aya.handle), "the meeting at Zoom")
    world.kill_worker()
    world.have("worker", 1)
    # Zoom knows no idempotency key: the first meeting is lost, and nobody hears of it.
    assert_all_is_well(world, aya, [booked], orphans=1)


@pytest.mark.chaos
def test_with_zooms_answer_in_hand_and_not_committed(world: World, aya: ChaosHost) -> None:
    world.fault("slow", seconds=1)
    booked = book(aya)
    wait_until(lambda: world.meetings(aya.handle), "the meeting at Zoom")
    with world.database.writers_wait():
        wait_until(lambda: _last_call_is_answered(world), "Zoom's answer")
        world.kill_worker()
    world.have("worker", 1)
    assert_all_is_well(world, aya, [booked], orphans=1)


@pytest.mark.chaos
def test_between_the_two_mails(world: World, aya: ChaosHost) -> None:
    world.fault("smtp-slow", seconds=0)
    world.fault("smtp-slow", seconds=FOR_GOOD)
    booked = book(aya)
    world.wait_for_fault()
    world.kill_worker()
    assert len(world.mails(booked.client.email)) + len(world.mails(aya.email)) == 1
    world.have("worker", 1)
    assert_all_is_well(world, aya, [booked])


@pytest.mark.chaos
def test_while_the_mail_server_reads_the_mail(world: World, aya: ChaosHost) -> None:
    world.fault("smtp-slow", seconds=FOR_GOOD)
    booked = book(aya)
    world.wait_for_fault()
    world.kill_worker()
    world.have("worker", 1)
    assert_all_is_well(world, aya, [booked])


@pytest.mark.chaos
def test_when_the_mail_server_has_the_mail_and_has_not_said_so(
    world: World, aya: ChaosHost
) -> None:
    world.fault("smtp-slow-reply", seconds=FOR_GOOD)
    booked = book(aya)
    world.wait_for_fault()
    wait_until(lambda: world.mails(booked.client.email) or world.mails(aya.email), "the mail")
    world.kill_worker()
    world.have("worker", 1)
    # Nobody can know whether it arrived: it goes again, under the same Message-ID.
    assert_all_is_well(world, aya, [booked], repeated_mails=1)


def _last_call_is_answered(world: World) -> bool:
    return bool(world.calls()[-1]["status"])
