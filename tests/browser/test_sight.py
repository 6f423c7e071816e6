"""What people see who enlarge text or choose their own colours."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.journey.people import Host, book
from tests.support.stack import Stack
from tests.support.visitor import OverHttp, Visitor

OpenBrowser = Callable[..., Page]
NAME = "Maria del Carmen Konstantinopoulou Featherstonehaugh y Fernandez de la Vega Wolfeschlegel"
WIDTH = 360
PHONE = {"viewport": {"width": WIDTH, "height": 800}}


@pytest.fixture
def aya(stack: Stack, handle: str) -> Host:
    """A host of a long name."""
    host = Host(stack, handle, NAME)
    host.sign_up()
    return host


@pytest.fixture
def booking(aya: Host, handle: str) -> str:
    """The page of a client whose name is as long."""
    aya.make_page(handle, title=NAME)
    ken = Visitor(OverHttp(aya.stack.base))
    return book(ken, handle, name=NAME, email=f"ken-{handle}@client.example").url


def test_a_day_is_a_circle_and_its_number_one_line_at_any_text_size(
    open_browser: OpenBrowser, handle: str, booking: str
) -> None:
    page = open_browser(**PHONE)
    page.goto(f"/b/{handle}")
    if not page.locator("a.day").count():
        page.locator("#after").click()
    for size in ("100%", "150%", "200%"):
        page.evaluate("(size) => { document.documentElement.style.fontSize = size; }", size)
        for day in page.locator(".day").all()[:14]:
            box = day.bounding_box()
            assert box is not None
            assert abs(box["width"] - box["height"]) < 1, size
        lines = page.evaluate(
            """() => [...document.querySelectorAll(".month th, .day time")].map((cell) => {
              const range = document.createRange();
              range.selectNodeContents(cell);
              return range.getClientRects().length;
            })"""
        )
        assert set(lines) == {1}, size
        assert page.evaluate("document.documentElement.scrollWidth") <= WIDTH, size


def test_nothing_scrolls_sideways_with_letters_of_twice_the_size(
    open_browser: OpenBrowser, aya: Host, handle: str, booking: str
) -> None:
    page = open_browser(host=aya, **PHONE)
    for address in (
        f"/b/{handle}", booking, "/dashboard", "/dashboard/pages", "/dashboard/bookings",
        "/settings", "/settings/integrations", "/dashboard/nothing",
    ):  # fmt: skip
        answer = page.goto(address)
        assert answer is not None
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        assert page.evaluate("document.documentElement.scrollWidth") <= WIDTH, address
        for item in page.locator(".nav a[aria-current]").all():
            expect(item).to_be_in_viewport(ratio=1)


@pytest.fixture(autouse=True)
def _one_is_missing(expected_failures: set[int]) -> None:
    expected_failures.add(404)


def test_no_empty_line_stands_under_a_name_of_several_lines(
    open_browser: OpenBrowser, aya: Host, handle: str, booking: str
) -> None:
    page = open_browser(host=aya, **PHONE)
    page.goto("/dashboard/bookings")
    for width in range(320, 480, 20):
        page.set_viewport_size({"width": width, "height": 800})
        gap, line = page.evaluate(
            """() => {
              const name = document.querySelector("a.cover");
              const rects = [...name.getClientRects()];
              const title = name.parentElement.querySelector(".soft").getClientRects()[0];
              const height = parseFloat(getComputedStyle(name).lineHeight);
              return [title.top - rects.at(-1).top, height];
            }"""
        )
        assert gap < 1.5 * line, width


def test_forced_colours_leave_what_is_chosen_and_where_one_is_in_sight(
    open_browser: OpenBrowser, aya: Host, handle: str, booking: str
) -> None:
    page = open_browser(host=aya, forced_colors="active")
    page.goto(f"/b/{handle}")
    if not page.locator("a.day").count():
        page.locator("#after").click()
    page.locator("a.day").last.click()
    chosen = page.locator("a.day[aria-current]")
    expect(chosen).to_have_count(1)
    style = "(element, name) => getComputedStyle(element)[name]"
    background = chosen.evaluate(style, "backgroundColor")
    assert background != page.locator("body").evaluate(style, "backgroundColor")
    others = page.locator("a.day:not([aria-current])")
    if others.count():
        assert others.first.evaluate(style, "backgroundColor") != background
        assert others.first.evaluate(style, "borderTopStyle") == "solid"
    page.goto("/dashboard/bookings")
    here = page.locator(".nav a[aria-current]")
    elsewhere = page.locator(".nav a:not([aria-current])").first
    assert "underline" in here.evaluate(style, "textDecorationLine")
    assert "underline" not in elsewhere.evaluate(style, "textDecorationLine")
    tab = page.locator(".tabs a[aria-current]")
    assert tab.evaluate(style, "borderBottomWidth") == "3px"
    other = page.locator(".tabs a:not([aria-current])").first
    assert other.evaluate(style, "borderBottomWidth") == "0px"
