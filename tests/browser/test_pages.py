"""Every page in every state: no accessibility fault, no sideways scrolling, little weight."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import AXE
from tests.journey.people import Host, book, choose_time
from tests.support.stack import ROOT
from tests.support.visitor import OverHttp, Visitor

OpenBrowser = Callable[..., Page]
NARROWEST = 320
MOST_BYTES = 30_000
MOST_REQUESTS = 5


@pytest.fixture
def addresses(aya: Host) -> dict[str, str]:
    """A host with a page and a booking: where each kind of page is."""
    aya.connect_zoom()
    edit = aya.make_page(aya.handle, auto_zoom="y").path
    ken = Visitor(OverHttp(aya.stack.base))
    lost = choose_time(ken, aya.handle).path
    email = f"ken-{aya.handle}@client.example"
    booked = book(ken, aya.handle, name="Ken Yamada", email=email).path
    form = choose_time(ken, aya.handle).path
    aya.stack.wait_for_mails(aya.email, 1)
    slot = lost.rpartition("/")[2]
    free = form.rpartition("/")[2]
    booking = str(aya.bookings().one("ul.bookings a.cover")["href"])
    return {
        "landing": "/",
        "sign-up": "/signup",
        "sign-in": "/login",
        "docs": "/docs",
        "support": "/support",
        "privacy": "/privacy",
        "terms": "/terms",
        "public": f"/b/{aya.handle}",
        "form": form,
        "lost": lost,
        "booked": booked,
        "cancel": f"{booked}/cancel",
        "again": f"{booked}/again",
        "move": f"{booked}/reschedule",
        "move, both times": f"{booked}/reschedule/{free}",
        "missing": "/b/nothing-here",
        "dashboard": "/dashboard",
        "pages": "/dashboard/pages",
        "new page": "/dashboard/pages/new",
        "edit page": edit,
        "preview": f"{edit}/preview",
        "time off": "/dashboard/time-off",
        "bookings": "/dashboard/bookings",
        "no bookings": "/dashboard/bookings?tab=past",
        "bookings with a failure": "/dashboard/bookings?tab=attention",
        "booking": booking,
        "live details": f"{booking}/live",
        "cancel by host": f"{booking}/cancel",
        "move by host": f"{booking}/reschedule",
        "move by host, both times": f"{booking}/reschedule/{free}",
        "book again": f"{booking}/rebook",
        "book again, taken": f"{booking}/rebook/{slot}",
        "series": f"{booking}/series",
        "finish connecting": "/zoom/callback",
        "zoom error": "/zoom/callback?error=4700",
        "integrations": "/settings/integrations",
        "profile": "/settings",
    }


def each_page(
    open_browser: OpenBrowser, aya: Host, addresses: dict[str, str], **options: object
) -> Iterator[tuple[str, Page]]:
    """All pages, strangers' as a stranger sees them and the host's as the host."""
    stranger = open_browser(**options)
    for name in list(addresses)[: list(addresses).index("dashboard")]:
        stranger.goto(addresses[name])
        yield name, stranger
    host = open_browser(host=aya, **(options | {"locale": "en-GB"}))
    if options.get("locale") == "ja":
        host.goto("/dashboard")
        host.get_by_role("button", name="日本語").click()
    for name in list(addresses)[list(addresses).index("dashboard") :]:
        host.goto(addresses[name])
        yield name, host


@pytest.mark.parametrize(
    ("locale", "scheme"), [("en-GB", "light"), ("ja", "dark")], ids=["en-light", "ja-dark"]
)
def test_axe_finds_nothing_and_nothing_scrolls_sideways(
    open_browser: OpenBrowser,
    aya: Host,
    addresses: dict[str, str],
    expected_failures: set[int],
    locale: str,
    scheme: str,
) -> None:
    expected_failures.update({404, 409})
    axe = (ROOT / AXE).read_text(encoding="utf-8")
    faults = []
    for name, page in each_page(open_browser, aya, addresses, locale=locale, color_scheme=scheme):
        assert page.locator("html").get_attribute("lang") == locale[:2]
        page.evaluate(axe)
        found = page.evaluate("axe.run().then((result) => result.violations)")
        faults += [(name, fault["id"], fault["nodes"][0]["html"]) for fault in found]
        page.set_viewport_size({"width": NARROWEST, "height": 800})
        width = page.evaluate("document.documentElement.scrollWidth")
        if width > NARROWEST:
            faults.append((name, "scrolls sideways", str(width)))
        page.set_viewport_size({"width": 1280, "height": 720})
    assert faults == []


def test_a_first_visit_to_a_booking_page_is_light(
    open_browser: OpenBrowser, addresses: dict[str, str]
) -> None:
    page = open_browser()
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    sizes: list[float] = []
    network.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    page.goto(addresses["public"])
    page.wait_for_load_state("networkidle")
    assert len(sizes) <= MOST_REQUESTS
    assert sum(sizes) <= MOST_BYTES
