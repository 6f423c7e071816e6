"""A host and a client doing what people do, without JavaScript."""

from dataclasses import dataclass, field
from typing import Any

from tests.support.services import wait_until
from tests.support.stack import Stack
from tests.support.visitor import OverHttp, Page, Visitor

PASSWORD = "correct horse battery"


@dataclass
class Host:
    """Somebody with an account, and with the Zoom user `handle` at the sandbox."""

    stack: Stack
    handle: str
    name: str
    language: str = "en"
    visitor: Visitor = field(init=False)

    def __post_init__(self) -> None:
        transport = OverHttp(self.stack.base, {"Accept-Language": self.language})
        transport.session.cookies.set("sandbox_zoom_user", self.handle, domain="127.0.0.1")
        self.visitor = Visitor(transport)

    @property
    def email(self) -> str:
        return f"{self.handle}@host.example"

    @property
    def cookies(self) -> dict[str, str]:
        """What makes another browser theirs: CalSync's session, and who they are at Zoom."""
        transport = self.visitor.transport
        assert isinstance(transport, OverHttp)
        return transport.session.cookies.get_dict()

    def sign_up(self) -> Page:
        page = self.visitor.get("/signup")
        # The third form on the page; its button reads differently in each language.
        button = page.one("main form button").get_text(" ", strip=True)
        return page.press(button, name=self.name, email=self.email, password=PASSWORD)

    def connect_zoom(self) -> Page:
        consent = self.visitor.get("/settings/integrations").open('a[href="/zoom/connect"]')
        assert consent.url.startswith(self.stack.sandbox)
        return consent.press("Allow")

    def make_page(self, slug: str, **values: Any) -> Page:
        page = self.visitor.get("/dashboard/pages/new")
        values = {"title": "Consultation", "slug": slug, "notice": 0} | values
        return page.press("Create the page", **values)

    def bookings(self, tab: str = "upcoming") -> Page:
        return self.visitor.get(f"/dashboard/bookings?tab={tab}")


def choose_time(visitor: Visitor, slug: str, **query: str) -> Page:
    """Open the shared link, the last open day of next month or this, and its last time."""
    page = visitor.get(f"/b/{slug}" + "".join(f"?{name}={value}" for name, value in query.items()))
    if not page.all("a.day"):
        page = page.open('a[aria-label^="Next month"]')
    days = page.all("a.day")
    page = visitor.get(str(days[-1]["href"]))
    times = page.all("a.time")
    return visitor.get(str(times[-1]["href"]))


def book(visitor: Visitor, slug: str, **values: Any) -> Page:
    """From the shared link to the client's own page."""
    form = choose_time(visitor, slug)
    return form.press("Book this time", **values)


def wait_for_link(booked: Page) -> str:
    """Reload the client's page until the meeting's link is there."""

    def link() -> str | None:
        page = booked.visitor.get(booked.url)
        found = page.all('#meeting a[href*="/j/"]')
        return str(found[0]["href"]) if found else None

    return str(wait_until(link, "the meeting's link"))
