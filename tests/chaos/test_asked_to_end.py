"""SIGTERM, as a deployment sends it: what is in hand is finished, and the exit status is 0."""

import socket
import time
from urllib.parse import urlencode, urlsplit

import pytest

from tests.chaos.people import Booked, ChaosHost
from tests.chaos.well import assert_all_is_well
from tests.chaos.world import World
from tests.support.services import wait_until

pytestmark = pytest.mark.chaos


def test_a_worker_that_waits_for_zoom(world: World, aya: ChaosHost) -> None:
    world.fault("slow", seconds=1.5)
    booked = aya.client().book()
    wait_until(lambda: world.meetings(aya.handle), "the meeting at Zoom")
    assert world.end_worker() == 0
    assert kept_meetings(world, booked) == 1
    world.have("worker", 1)
    assert_all_is_well(world, aya, [booked])


def test_a_worker_that_waits_for_zoom_while_valkey_is_away(world: World, aya: ChaosHost) -> None:
    world.fault("slow", seconds=1.5)
    booked = aya.client().book()
    wait_until(lambda: world.meetings(aya.handle), "the meeting at Zoom")
    with world.valkey.stopped():
        assert world.end_worker() == 0
        assert kept_meetings(world, booked) == 1
    world.have("worker", 1)
    assert_all_is_well(world, aya, [booked])


def test_a_worker_in_the_middle_of_a_mail(world: World, aya: ChaosHost) -> None:
    world.fault("smtp-slow", seconds=1)
    booked = aya.client().book()
    world.wait_for_fault()
    assert world.end_worker() == 0
    assert len(world.mails(booked.client.email)) + len(world.mails(aya.email)) == 1
    world.have("worker", 1)
    assert_all_is_well(world, aya, [booked])


def test_the_web_server_in_the_middle_of_a_request(world: World, aya: ChaosHost) -> None:
    client = aya.client()
    data = dict(client.form.fields) | {"name": client.name, "email": client.email}
    body = urlencode(data).encode()
    address = urlsplit(world.base)
    with socket.create_connection((str(address.hostname), int(address.port or 0)), 30) as line:
        head = (
            f"POST {urlsplit(client.form.page.url).path} HTTP/1.1\r\nHost: {address.netloc}\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\nConnection: close\r\n"
            f"Content-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n"
        )
        line.sendall(head.encode())
        # The server says this when it has begun with the request.
        assert line.recv(4096).startswith(b"HTTP/1.1 100")
        web = world.web
        web.ask_to_end()
        web.wait_for("Handling signal: term")
        time.sleep(0.5)
        line.sendall(body)
        answer = line.makefile("rb").read().decode()
    assert world.end_web() == 0
    world.start_web()
    assert " 303 " in answer.partition("\r\n")[0]
    location = next(h for h in answer.splitlines() if h.lower().startswith("location:"))
    booked = Booked(client, world.base + urlsplit(location.split(maxsplit=1)[1]).path)
    assert_all_is_well(world, aya, [booked])


def kept_meetings(world: World, booked: Booked) -> int:
    rows = world.rows(
        "SELECT m.id FROM meetings m JOIN attendees a ON a.booking_id = m.booking_id"
        " WHERE m.state = 'ready' AND m.external_id IS NOT NULL"
        f" AND a.email = '{booked.client.email}'"
    )
    return len(rows)
