"""What the host does with Zoom in Chromium: once with JavaScript, once without."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser import people
from tests.support.stack import Stack

OpenBrowser = Callable[..., Page]


@pytest.mark.parametrize("has_script", [True, False], ids=["script", "no-script"])
def test_live_details_start_meeting_and_diagnosis(
    stack: Stack, open_browser: OpenBrowser, handle: str, has_script: bool
) -> None:
    aya = open_browser(handle, java_script_enabled=has_script)
    people.sign_up(aya, handle)
    people.connect_zoom(aya)
    people.make_page(aya, handle)
    ken = open_browser()
    people.book(ken, handle, f"ken-{handle}@client.example")
    stack.wait_for_mails(f"{handle}@host.example", 1)

    aya.goto("/dashboard/bookings")
    aya.locator("ul.bookings a").first.click()
    booking = aya.url
    if not has_script:
        aya.get_by_role("link", name="Show the meeting's details from Zoom").click()
    expect(aya.locator("#live")).to_contain_text("not started yet")
    assert (aya.url == booking) is has_script
    expect(aya.get_by_role("heading", name="Ken Yamada")).to_be_visible()

    aya.goto(booking)
    aya.get_by_role("link", name="Start meeting").click()
    aya.wait_for_url(f"{stack.sandbox}/s/**")

    aya.goto("/settings/integrations")
    aya.get_by_role("button", name="Check the connection").click()
    expect(aya.locator("#diagnosis")).to_contain_text("Zoom has just renewed it.")
    expect(aya.locator("#diagnosis li.failed")).to_have_count(0)
    expect(aya.get_by_role("button", name="Check again")).to_be_visible()
