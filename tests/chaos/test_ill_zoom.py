"""Zoom is ill in each of its ways; a booking stands all the same and gets its meeting once."""

from datetime import datetime
from typing import Any

import pytest

from tests.chaos.people import ChaosHost, new_host
from tests.chaos.well import assert_all_is_well
from tests.chaos.world import DOCUMENTED_SCOPES, World
from tests.support.services import wait_until

pytestmark = pytest.mark.chaos
LONGER_THAN_ANYBODY_WAITS = 3.0
LOST_TWICE = "Zoom's answer was lost twice"


@pytest.mark.parametrize(
    ("fault", "times", "more"),
    [
        ("500", 3, {}),
        ("429-second", 2, {}),
        ("429-second", 1, {"seconds": 1}),
        ("hang", 1, {"seconds": LONGER_THAN_ANYBODY_WAITS}),
        ("hang", 1, {"seconds": 0}),
    ],
    ids=["500", "429", "429-retry-after", "hangs", "cut-before-it-did-anything"],
)
def test_what_did_nothing_is_tried_again(
    world: World, aya: ChaosHost, fault: str, times: int, more: dict[str, Any]
) -> None:
    world.fault(fault, times, **more)
    booked = aya.client().book()
    assert_all_is_well(world, aya, [booked])
    assert world.faults_left() == 0


def test_a_retry_after_is_waited_for(world: World, aya: ChaosHost) -> None:
    world.fault("429-second", seconds=2)
    before = len(world.calls())
    booked = aya.client().book()
    assert_all_is_well(world, aya, [booked])
    refused, made = [call for call in world.calls()[before:] if call["method"] == "POST"]
    assert (refused["status"], made["status"]) == (429, 201)
    assert seconds_between(refused, made) >= 2


@pytest.mark.parametrize(
    ("fault", "more"),
    [("drop-after-create", {}), ("slow", {"seconds": LONGER_THAN_ANYBODY_WAITS})],
    ids=["dropped", "too-late"],
)
def test_a_lost_answer_is_worth_one_more_try(
    world: World, aya: ChaosHost, fault: str, more: dict[str, Any]
) -> None:
    world.fault(fault, **more)
    booked = aya.client().book()
    # With the documented scopes CalSync cannot look for the first one.
    assert_all_is_well(world, aya, [booked], orphans=1)


def test_an_answer_lost_twice_is_the_hosts_to_judge_and_retry_brings_the_link(
    world: World, aya: ChaosHost
) -> None:
    world.fault("drop-after-create", 2)
    booked = aya.client().book()
    assert_all_is_well(world, aya, [booked], failed={"meeting.create": LOST_TWICE})
    assert len(world.meetings(aya.handle)) == 2
    assert "The Zoom link will follow by email." in booked.page().text
    aya.bookings().follow(booked.client.name).press("Retry")
    assert_all_is_well(world, aya, [booked], orphans=2)
    newest = world.mails(booked.client.email)[0]
    assert newest["subject"].startswith("Zoom link:")


def test_a_lost_answer_is_found_again_where_zoom_lets_us_look(world: World) -> None:
    world.choose(scopes=[*DOCUMENTED_SCOPES, "meeting:read:list_meetings"])
    aya = new_host(world)
    world.fault("drop-after-create")
    booked = aya.client().book()
    assert_all_is_well(world, aya, [booked], orphans=0)
    assert len(world.meetings(aya.handle)) == 1


def test_a_sandbox_that_is_not_there_at_all(world: World, aya: ChaosHost) -> None:
    client = aya.client()
    world.stop_sandbox()
    try:
        booked = client.book()
        wait_until(
            lambda: world.rows("SELECT 1 FROM tasks WHERE last_error = 'zoom_unreachable'"),
            "a call in vain",
        )
    finally:
        world.start_sandbox()
    assert_all_is_well(world, aya, [booked])


def seconds_between(one: dict[str, Any], other: dict[str, Any]) -> float:
    first, second = (datetime.fromisoformat(call["at"]) for call in (one, other))
    return (second - first).total_seconds()
