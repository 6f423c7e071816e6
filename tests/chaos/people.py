"""A host with a connected Zoom and a live page, and clients who book it over HTTP."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from urllib.parse import urljoin

from app.bookings.slot_addresses import SLOT_FORM
from tests.chaos.world import World, next_address
from tests.journey.people import Host
from tests.support.visitor import Answer, Form, OverHttp, Page, Visitor

# Names that occur nowhere else, so that a log that holds one is caught.
HOST_NAME = "Ayanokoji Sato"
CLIENT_NAME = "Kiyoharu Yamada"
CLIENT_DOMAIN = "client.example"
_numbers = count(1)


@dataclass
class Client:
    """Somebody at the form of one slot. Each connection is new: the server may be, too."""

    number: int
    visitor: Visitor
    form: Form

    @property
    def name(self) -> str:
        return f"{CLIENT_NAME} {self.number}"

    @property
    def email(self) -> str:
        return f"kiyoharu{self.number}@{CLIENT_DOMAIN}"

    def press(self) -> Answer:
        """Send the form, once, and look no further than the first answer."""
        data = dict(self.form.fields) | {"name": self.name, "email": self.email}
        address = urljoin(self.form.page.url, str(self.form.form["action"]))
        return self.visitor.transport.send("POST", address, list(data.items()))

    def book(self) -> "Booked":
        answer = self.press()
        assert answer.status == 303, f"{answer.status}: {answer.text[:2000]}"
        return self.booked_by(answer)

    def booked_by(self, answer: Answer) -> "Booked":
        """What an answer of 303 promises."""
        return Booked(self, urljoin(answer.url, answer.headers["Location"]))


@dataclass
class Booked:
    """A client who was answered 303: from here on nothing may be lost."""

    client: Client
    url: str

    def page(self) -> Page:
        return self.client.visitor.get(self.url)


def new_host(world: World, *, auto_zoom: bool = True) -> "ChaosHost":
    """Signed up, connected to a Zoom user of the sandbox, with a live page."""
    host = ChaosHost(world, f"aya{next(_numbers)}", HOST_NAME)
    host.visitor.transport.session.headers["X-Forwarded-For"] = next_address()  # type: ignore[attr-defined]
    host.visitor.transport.session.headers["Connection"] = "close"  # type: ignore[attr-defined]
    host.sign_up()
    connected = host.connect_zoom()
    assert "Zoom is connected." in connected.text
    host.make_page(host.slug, auto_zoom="y" if auto_zoom else None)
    return host


class ChaosHost(Host):
    """A host whose page is named after them."""

    @property
    def slug(self) -> str:
        return f"{self.handle}-talk"

    def clients(self, number: int) -> list[Client]:
        """So many clients, each at the form of a slot of their own."""
        starts = slots()
        with ThreadPoolExecutor(4) as pool:
            return list(pool.map(self.client_at, [next(starts) for _ in range(number)]))

    def client_at(self, start: datetime) -> Client:
        headers = {"X-Forwarded-For": next_address(), "Connection": "close"}
        visitor = Visitor(OverHttp(self.stack.base, headers))
        form = visitor.get(f"/b/{self.slug}/{start:{SLOT_FORM}}").form("Book this time")
        return Client(next(_numbers), visitor, form)

    def client(self) -> Client:
        return self.client_at(next(slots()))


def slots() -> Iterator[datetime]:
    """Every half hour from 9 to 17 in Tokyo on working days, from the week after next."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    monday = today + timedelta(days=14 - today.weekday())
    for day in range(30):
        if day % 7 < 5:
            for half_hour in range(16):
                yield monday + timedelta(days=day, minutes=30 * half_hour)
