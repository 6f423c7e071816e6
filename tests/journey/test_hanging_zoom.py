"""A Zoom that takes requests and never answers: hosts wait or are told so, clients notice nothing."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
import requests

from tests.journey.people import Host, book, wait_for_link
from tests.support.stack import Stack
from tests.support.visitor import OverHttp, Visitor

HOSTS_WAITING = 24  # more than the two web processes have threads together (16)
HANGS = 8.0  # seconds; longer than any browser's request waits for live details
SOON = 3.0  # generous; without bounds the first page comes when the first host gives up waiting


@pytest.fixture
def hanging(stack: Stack) -> Iterator[Callable[[], None]]:
    """`hanging()`: from now on Zoom's API hangs, until the test ends."""
    yield lambda: stack.fault("hang", count=1000, seconds=HANGS)
    requests.delete(f"{stack.sandbox}/api/faults", timeout=10).raise_for_status()


def test_public_pages_come_soon_while_many_hosts_wait_for_zoom(
    stack: Stack, new_host: Callable[..., Host], ken: Visitor, hanging: Callable[[], None]
) -> None:
    aya = new_host()
    slug = f"{aya.handle}-hours"
    aya.connect_zoom()
    aya.make_page(slug, auto_zoom="y")
    wait_for_link(book(ken, slug, name="Ken Yamada", email=f"ken-{aya.handle}@client.example"))
    live = f"{urlsplit(str(aya.bookings().link('Ken Yamada')['href'])).path}/live"
    cookies = aya.visitor.transport.session.cookies.get_dict()
    hanging()

    def ask(_number: int) -> tuple[float, str]:
        began = time.monotonic()
        answer = requests.get(stack.base + live, cookies=cookies, timeout=60)
        assert answer.status_code == 200
        return time.monotonic() - began, answer.text

    with ThreadPoolExecutor(HOSTS_WAITING) as hosts:
        waiting = [hosts.submit(ask, number) for number in range(HOSTS_WAITING)]
        time.sleep(0.5)  # they are all on their way
        began = time.monotonic()
        client = Visitor(OverHttp(stack.base, {"Connection": "close"}))
        assert client.get(f"/b/{slug}").all("a.day")
        took = time.monotonic() - began
        still_waiting = sum(1 for one in waiting if not one.done())
        answers = [one.result() for one in waiting]
    assert took < SOON
    assert still_waiting > 0  # the page came while Zoom hung
    assert all("Please try again in a minute." in text for _seconds, text in answers)
    assert max(seconds for seconds, _text in answers) < 20
