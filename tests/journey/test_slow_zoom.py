"""A Zoom that takes its time keeps nobody waiting who wants nothing of it."""

from collections.abc import Callable

from tests.journey.people import Host, book, wait_for_link
from tests.support.stack import Stack
from tests.support.visitor import Visitor

SLOW = 3  # calls
SECONDS = 3  # each of them


def test_a_mail_leaves_while_calls_to_zoom_hang(
    stack: Stack, new_host: Callable[..., Host], ken: Visitor
) -> None:
    aya, mallory = new_host(), new_host("Mallory Quinn")
    aya.connect_zoom()
    slow, plain = f"{aya.handle}-slow", f"{mallory.handle}-plain"
    aya.make_page(slow, auto_zoom="y")
    mallory.make_page(plain)
    stack.fault("slow", SLOW, seconds=SECONDS)
    booked = [
        book(ken, slow, name="Ken Yamada", email=f"ken{number}-{aya.handle}@client.example")
        for number in range(SLOW)
    ]
    lena = f"lena-{mallory.handle}@client.example"
    book(ken, plain, name="Lena Fischer", email=lena)
    stack.wait_for_mails(lena, 1)
    pages = [ken.get(page.url) for page in booked]
    still_waiting = [page for page in pages if not page.all('#meeting a[href*="/j/"]')]
    assert still_waiting, "the mail came after all of the meetings"
    stack.clear_faults()
    assert len({wait_for_link(page) for page in booked}) == SLOW
