"""The database is the truth; while it is away nothing is promised, and what was promised stays."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.chaos.parts import no_space_left
from tests.chaos.people import Booked, ChaosHost, Client
from tests.chaos.well import assert_all_is_well, assert_calm_page
from tests.chaos.world import World
from tests.support.services import wait_until
from tests.support.visitor import Page


def only_on(world: World, engine: str, why: str) -> None:
    if world.engine != engine:
        pytest.skip(why)


def book_in_the_end(client: Client) -> Booked:
    """Press until it is booked, as people do; each page on the way is calm."""

    def press() -> Booked | None:
        answer = client.press()
        if answer.status == 303:
            return client.booked_by(answer)
        assert_says_to_try_again(Page(client.visitor, answer))
        return None

    return wait_until(press, "a booking", patience=60)


def assert_says_to_try_again(page: Page) -> None:
    assert page.status == 503, page.text
    words = ("Please try again shortly.", "Please send it again in a moment")
    assert any(one in page.text for one in words), page.text
    assert_calm_page(page.text)


@pytest.mark.chaos
@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_the_server_is_restarted_under_a_load_of_bookings(
    world: World, aya: ChaosHost, mode: str
) -> None:
    only_on(world, "postgresql", "SQLite is no server; its turn is a disk that is full")
    processes = [world.web, world.worker, *world.processes["scheduler"]]
    clients = aya.clients(24)
    with ThreadPoolExecutor(4) as pool:
        under_way = [pool.submit(book_in_the_end, client) for client in clients]
        wait_until(lambda: sum(one.done() for one in under_way) >= 4, "the first bookings")
        world.postgres.stop(mode)
        assert not all(one.done() for one in under_way)
        world.postgres.start()
        booked = [one.result() for one in under_way]
    assert_all_is_well(world, aya, booked)
    assert all(process.is_alive for process in processes)


def test_the_server_goes_while_zooms_answer_is_on_its_way(world: World, aya: ChaosHost) -> None:
    only_on(world, "postgresql", "SQLite is no server; its turn is a disk that is full")
    world.fault("slow", seconds=1)
    booked = aya.client().book()
    wait_until(lambda: world.meetings(aya.handle), "the meeting at Zoom")
    world.postgres.stop()
    wait_until(lambda: world.calls()[-1]["status"], "Zoom's answer")
    for visitor, path in ((booked.client.visitor, booked.url), (aya.visitor, "/dashboard")):
        assert_says_to_try_again(visitor.get(path))
    world.postgres.start()
    # The answer was kept in hand until it could be written down.
    assert_all_is_well(world, aya, [booked])


@pytest.mark.chaos
def test_the_server_goes_while_the_mail_server_answers(world: World, aya: ChaosHost) -> None:
    only_on(world, "postgresql", "SQLite is no server; its turn is a disk that is full")
    world.fault("smtp-slow", seconds=1)
    booked = aya.client().book()
    world.wait_for_fault()
    world.postgres.stop()
    wait_until(lambda: world.mails(booked.client.email) or world.mails(aya.email), "the mail")
    world.postgres.start()
    assert_all_is_well(world, aya, [booked])


@pytest.mark.chaos
def test_a_full_disk_refuses_a_booking_calmly_and_it_works_once_there_is_space(
    world: World, aya: ChaosHost
) -> None:
    only_on(world, "sqlite", "PostgreSQL's disk is its own server's")
    first, second = aya.clients(2)
    kept = first.book()
    with no_space_left(everybody(world)):
        refused = Page(second.visitor, second.press())
        assert_says_to_try_again(refused)
        assert refused.one('[name="email"]')["value"] == second.email
        assert "You’re booked" in kept.page().text
    # The same form, sent again, is what reloading the page does.
    booked = second.book()
    assert_all_is_well(world, aya, [kept, booked])


def test_a_full_disk_when_zooms_answer_comes(world: World, aya: ChaosHost) -> None:
    only_on(world, "sqlite", "PostgreSQL's disk is its own server's")
    world.fault("slow", seconds=1)
    booked = aya.client().book()
    wait_until(lambda: world.meetings(aya.handle), "the meeting at Zoom")
    with no_space_left(everybody(world)):
        wait_until(lambda: world.calls()[-1]["status"], "Zoom's answer")
        wait_until(lambda: any("database" in line for line in world.log()), "a failed commit")
    assert_all_is_well(world, aya, [booked])


def everybody(world: World) -> list[int]:
    processes = [world.web, *world.processes["worker"], *world.processes["scheduler"]]
    return [pid for process in processes for pid in process.family()]
