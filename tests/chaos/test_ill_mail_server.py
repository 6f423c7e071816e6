"""The mail server is ill in each of its ways; each party gets each mail once."""

import pytest

from tests.chaos.people import ChaosHost, new_host
from tests.chaos.well import assert_all_is_well
from tests.chaos.world import World
from tests.support.services import wait_until

REFUSED = "The mail server refused this message"


@pytest.fixture
def aya(world: World) -> ChaosHost:
    """A host whose page makes no meetings: mails go at once."""
    return new_host(world, auto_zoom=False)


@pytest.mark.chaos
def test_a_closed_door_is_knocked_at_again(world: World, aya: ChaosHost) -> None:
    client = aya.client()
    world.stop_sandbox()
    try:
        booked = client.book()
        wait_until(
            lambda: world.rows("SELECT 1 FROM tasks WHERE last_error = 'smtp_unreachable'"),
            "a knock in vain",
        )
    finally:
        world.start_sandbox()
    assert_all_is_well(world, aya, [booked], has_meeting=False)


@pytest.mark.chaos
def test_a_busy_one_is_asked_again(world: World, aya: ChaosHost) -> None:
    world.fault("smtp-451", 3)
    booked = aya.client().book()
    assert_all_is_well(world, aya, [booked], has_meeting=False)
    assert world.faults_left() == 0


@pytest.mark.chaos
def test_one_that_takes_too_long_is_left_and_asked_again(world: World, aya: ChaosHost) -> None:
    world.fault("smtp-slow", seconds=60)
    booked = aya.client().book()
    assert_all_is_well(world, aya, [booked], has_meeting=False)
    assert world.faults_left() == 0


@pytest.mark.chaos
def test_a_refusal_is_final_told_to_the_host_and_can_be_retried(
    world: World, aya: ChaosHost
) -> None:
    world.fault("smtp-550", 2)
    booked = aya.client().book()
    failed = {"mail.attendee.confirmed": REFUSED, "mail.host.confirmed": REFUSED}
    assert_all_is_well(world, aya, [booked], has_meeting=False, failed=failed)
    shown = aya.bookings().follow(booked.client.name)
    assert "550 5.1.1 No such mailbox here" in shown.text
    shown.press("Retry").press("Retry")
    assert_all_is_well(world, aya, [booked], has_meeting=False)


def test_a_line_cut_after_the_mail_was_taken_repeats_it_under_the_same_message_id(
    world: World, aya: ChaosHost
) -> None:
    world.fault("smtp-drop-after-data")
    booked = aya.client().book()
    assert_all_is_well(world, aya, [booked], has_meeting=False, repeated_mails=1)
    taken = len(world.mails(booked.client.email)) + len(world.mails(aya.email))
    assert taken == 3
