"""What the host does with Zoom in Chromium: once with JavaScript, once without."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.journey.people import Host, book
from tests.support.stack import Stack
from tests.support.visitor import OverHttp, Visitor

OpenBrowser = Callable[..., Page]


@pytest.mark.parametrize("has_script", [True, False], ids=["script", "no-script"])
def test_live_details_start_meeting_and_diagnosis(
    stack: Stack, open_browser: OpenBrowser, aya: Host, has_script: bool
) -> None:
    aya.connect_zoom()
    aya.make_page(aya.handle, auto_zoom="y")
    ken = Visitor(OverHttp(stack.base))
    book(ken, aya.handle, name="Ken Yamada", email=f"ken-{aya.handle}@client.example")
    stack.wait_for_mails(aya.email, 1)

    page = open_browser(host=aya, java_script_enabled=has_script)
    page.goto("/dashboard/bookings")
    page.locator("ul.bookings a").first.click()
    booking = page.url
    if not has_script:
        page.get_by_role("link", name="Show the meeting's details from Zoom").click()
    expect(page.locator("#live")).to_contain_text("not started yet")
    assert (page.url == booking) is has_script
    expect(page.get_by_role("heading", name="Ken Yamada")).to_be_visible()

    page.goto(booking)
    page.get_by_role("link", name="Start meeting").click()
    page.wait_for_url(f"{stack.sandbox}/s/**")

    page.goto("/settings/integrations")
    page.get_by_role("button", name="Check the connection").click()
    expect(page.locator("#diagnosis")).to_contain_text("Zoom has just renewed it.")
    expect(page.locator("#diagnosis li.failed")).to_have_count(0)
    expect(page.get_by_role("button", name="Check again")).to_be_visible()
