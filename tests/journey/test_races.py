"""Many clients at once, over HTTP against two web processes."""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from threading import Barrier

import requests

from app.bookings.slot_addresses import SLOT_FORM
from tests.journey.people import Host
from tests.support.services import wait_until
from tests.support.stack import Stack
from tests.support.visitor import Form, OverHttp, Visitor

CROWD = 50
NewHost = Callable[..., Host]


def morning(minute: int = 0) -> datetime:
    """10:00 in Tokyo on a working day of the week after next, and some minutes."""
    day = datetime.now(UTC).replace(hour=1, minute=0, second=0, microsecond=0)
    return day + timedelta(days=14 - day.weekday(), minutes=minute)


def forms_at(stack: Stack, addresses: Sequence[str]) -> list[tuple[Visitor, Form]]:
    """A client at the form of each address.

    Each request opens a connection of its own: one that the server closes for idling, just when
    it is used again, would fail here, where a browser tries again.
    """
    found = []
    for address in addresses:
        visitor = Visitor(OverHttp(stack.base, {"Connection": "close"}))
        found.append((visitor, visitor.get(address).form("Book this time")))
    return found


def send_all_at_once(forms: list[tuple[Visitor, Form]], domain: str) -> Counter[int]:
    """Every client presses the button at the same moment; what the servers answered."""
    gate = Barrier(len(forms))

    def press(number: int) -> int:
        visitor, form = forms[number]
        data = dict(form.fields) | {"name": f"Client {number}", "email": f"c{number}@{domain}"}
        action = str(form.form["action"])
        gate.wait()
        return visitor.transport.send("POST", action, list(data.items())).status

    with ThreadPoolExecutor(len(forms)) as crowd:
        return Counter(crowd.map(press, range(len(forms))))


def live_names(aya: Host) -> list[str]:
    rows = aya.bookings().all("ul.bookings li")
    return [row.select("a")[0].get_text(strip=True) for row in rows]


def test_one_of_fifty_gets_the_slot_one_meeting_and_one_mail(
    stack: Stack, new_host: NewHost
) -> None:
    aya = new_host()
    aya.connect_zoom()
    slug = f"{aya.handle}-crowd"
    aya.make_page(slug, auto_zoom="y")
    domain = f"{slug}.example"
    answers = send_all_at_once(
        forms_at(stack, [f"/b/{slug}/{morning():{SLOT_FORM}}"] * CROWD), domain
    )
    assert answers == {303: 1, 409: CROWD - 1}
    (winner,) = live_names(aya)
    email = f"c{winner.removeprefix('Client ')}@{domain}"
    wait_until(lambda: "Emails sent" in aya.bookings().text, "the mails")
    assert len(stack.mails(email)) == len(stack.mails(aya.email)) == 1
    meetings = requests.get(f"{stack.sandbox}/api/meetings", timeout=10).json()
    assert len([meeting for meeting in meetings if meeting["user"] == aya.handle]) == 1
    everybody = requests.get(f"{stack.sandbox}/api/mails", timeout=10).json()
    assert sum(domain in mail["to"] for mail in everybody) == 1


def test_overlapping_starts_across_two_pages_of_a_host_never_both_stand(
    stack: Stack, new_host: NewHost
) -> None:
    aya = new_host()
    short, long = f"{aya.handle}-short", f"{aya.handle}-long"
    aya.make_page(short, duration=30, increment=10)
    aya.make_page(long, duration=60, increment=10)
    addresses = [
        f"/b/{slug}/{morning(minute):{SLOT_FORM}}"
        for minute in range(0, 60, 10)
        for slug in (short, long)
    ]
    answers = send_all_at_once(forms_at(stack, addresses * 2), f"{short}.example")
    assert set(answers) == {303, 409}
    taken = []
    for row in aya.bookings().all("ul.bookings li"):
        starts, ends = row.select(".when")[0].get_text(" ", strip=True).split()[0].split("–")
        taken.append((starts, ends))
    taken.sort()
    assert len(taken) == answers[303]
    assert all(ends <= starts for (_, ends), (starts, _) in pairwise(taken)), taken
