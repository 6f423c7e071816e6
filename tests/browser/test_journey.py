"""The main job in Chromium: once with JavaScript, once without."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser import people
from tests.journey.people import Host
from tests.support.stack import Stack

OpenBrowser = Callable[..., Page]


@pytest.mark.parametrize("has_script", [True, False], ids=["script", "no-script"])
def test_from_sign_up_to_the_link_in_both_mailboxes(
    stack: Stack, open_browser: OpenBrowser, handle: str, has_script: bool
) -> None:
    aya = open_browser(handle, java_script_enabled=has_script)
    people.sign_up(aya, handle)
    people.connect_zoom(aya)
    people.make_page(aya, f"{handle}-talk")

    ken = open_browser(java_script_enabled=has_script)
    email = f"ken-{handle}@client.example"
    people.book(ken, f"{handle}-talk", email)
    # By htmx with script, by the page's own refresh without.
    link = ken.get_by_role("link", name="Join the Zoom meeting")
    expect(link).to_be_visible(timeout=20_000)
    address = link.get_attribute("href") or ""

    mails = [stack.wait_for_mails(to, 1)[0] for to in (email, f"{handle}@host.example")]
    assert all(address in mail["text"] for mail in mails)
    assert all(len(mail["calendars"]) == 2 for mail in mails)

    aya.goto("/dashboard/bookings")
    row = aya.locator("ul.bookings li")
    expect(row).to_contain_text("Ken Yamada")
    expect(row).to_contain_text("Meeting ready")
    expect(row).to_contain_text("Emails sent")

    ken.get_by_role("link", name="Cancel booking").click()
    ken.get_by_role("button", name="Cancel booking").click()
    expect(ken.get_by_role("heading", name="This booking is cancelled")).to_be_visible()
    aya.get_by_role("link", name="Cancelled").click()
    expect(aya.locator("ul.bookings li")).to_contain_text("Ken Yamada")
    expect(aya).to_have_url(re.compile("tab=cancelled"))


def test_hours_grow_and_shrink_and_keep_what_was_typed(
    open_browser: OpenBrowser, aya: Host
) -> None:
    for has_script in (True, False):
        page = open_browser(host=aya, java_script_enabled=has_script)
        slug = f"{aya.handle}-{'script' if has_script else 'plain'}"
        page.goto("/dashboard/pages/new")
        page.get_by_label("Description").fill("Typed before the rows change")
        monday = page.locator("#day-0 .range")
        expect(monday).to_have_count(1)
        page.get_by_role("button", name="Add a range to Monday").click()
        expect(monday).to_have_count(2)
        page.get_by_role("button", name="Remove this range of Monday").first.click()
        expect(monday).to_have_count(1)
        page.get_by_role("button", name="Add a day with other hours").click()
        expect(page.locator("#overrides input[type=date]")).to_have_count(1)
        expect(page.get_by_label("Description")).to_have_value("Typed before the rows change")
        page.locator("#title").fill("With two ranges")
        if has_script:  # the address that is suggested then must not come while one is typed
            page.locator("#title").blur()
            expect(page.locator("#slug")).to_have_value("with-two-ranges")
        page.locator("#slug").fill(slug)
        if has_script:
            expect(page.locator("#slug-field strong")).to_have_text(slug)
        # Enter in a field saves; it does not press a button that removes a row.
        page.locator("#slug").press("Enter")
        expect(page.get_by_text("The page is live")).to_be_visible()
        expect(page.locator("#day-0 input[type=time]").first).to_have_value("18:00")


def test_the_link_is_copied_and_the_page_goes_off_and_on(
    open_browser: OpenBrowser, aya: Host, talk: str
) -> None:
    page = open_browser(host=aya, permissions=["clipboard-read", "clipboard-write"])
    page.goto("/dashboard")
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()").endswith(f"/b/{aya.handle}")
    page.get_by_role("button", name="Turn off").click()
    expect(page.get_by_role("button", name="Turn on")).to_be_visible()
    page.get_by_role("button", name="Turn on").click()
    expect(page.get_by_role("button", name="Turn off")).to_be_visible()


def test_an_expired_sign_in_sends_the_whole_window_to_the_door(
    open_browser: OpenBrowser, aya: Host
) -> None:
    page = open_browser(host=aya)
    page.goto("/dashboard/bookings")
    session = [cookie for cookie in page.context.cookies() if cookie["name"] == "calsync"]
    page.context.clear_cookies(name=session[0]["name"])
    page.get_by_role("link", name="Past").click()
    expect(page).to_have_url(re.compile("/login"))


def test_a_faulty_form_takes_the_reader_to_its_errors(
    open_browser: OpenBrowser, handle: str, talk: str, expected_failures: set[int]
) -> None:
    expected_failures.add(422)
    ken = open_browser()
    people.choose_time(ken, handle)
    ken.get_by_label("Name", exact=True).fill("Ken Yamada")
    ken.get_by_label("Email address").fill("not an address")
    ken.get_by_role("button", name="Book this time").click()
    expect(ken).to_have_title(re.compile("^Error:"))
    expect(ken.get_by_role("alert")).to_be_focused()
    expect(ken.get_by_label("Name", exact=True)).to_have_value("Ken Yamada")
    ken.get_by_role("alert").get_by_role("link").first.click()
    expect(ken.get_by_label("Email address")).to_be_focused()


def test_a_client_elsewhere_is_offered_their_own_zone(
    open_browser: OpenBrowser, handle: str, talk: str
) -> None:
    lena = open_browser(timezone_id="Europe/Berlin")
    lena.goto(f"/b/{handle}")
    expect(lena.get_by_text("Japan Time (Tokyo)").first).to_be_visible()
    lena.get_by_role("link", name="Show times in your own zone").click()
    expect(lena).to_have_url(re.compile("tz=Europe"))
    expect(lena.locator("summary")).to_contain_text("Central European Time (Berlin)")
