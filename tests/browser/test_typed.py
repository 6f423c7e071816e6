"""What somebody has typed survives a switch of language, and leaving asks first."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Dialog, Page, expect

from tests.browser import people
from tests.journey.people import Host

OpenBrowser = Callable[..., Page]


def leave_by(page: Page, link: str, *, stay: bool) -> list[str]:
    """Follow a link; the kinds of the questions that the browser asks on the way."""
    asked: list[str] = []

    def answer(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss() if stay else dialog.accept()

    page.once("dialog", answer)
    page.get_by_role("link", name=link, exact=True).first.click(no_wait_after=True)
    page.wait_for_timeout(500)
    page.remove_listener("dialog", answer) if not asked else None
    return asked


def test_leaving_a_changed_page_asks_and_an_unchanged_one_does_not(
    open_browser: OpenBrowser, aya: Host, talk: str
) -> None:
    page = open_browser(host=aya)
    page.goto(talk)
    assert leave_by(page, "Bookings", stay=False) == []
    expect(page).to_have_url(re.compile("/dashboard/bookings$"))

    page.goto(talk)
    page.get_by_label("Location").fill("Room 4")
    assert leave_by(page, "Bookings", stay=True) == ["beforeunload"]
    expect(page.get_by_label("Location")).to_have_value("Room 4")
    page.get_by_role("button", name="Add a range to Saturday").click()
    expect(page.locator("#day-5 input[type=time]")).to_have_count(2)
    assert leave_by(page, "Bookings", stay=True) == ["beforeunload"]

    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    expect(page.get_by_label("Location")).to_have_value("Room 4")
    assert leave_by(page, "Bookings", stay=False) == []
    expect(page).to_have_url(re.compile("/dashboard/bookings$"))


def test_a_form_that_came_back_unsaved_asks_too(
    open_browser: OpenBrowser, aya: Host, talk: str, expected_failures: set[int]
) -> None:
    expected_failures |= {422, 409}
    page = open_browser(host=aya)
    page.goto(talk)
    other = page.context.new_page()
    other.goto(talk)
    other.get_by_label("Title").fill("Newer")
    other.get_by_role("button", name="Save", exact=True).click()
    expect(other.get_by_text("Saved.")).to_be_visible()

    page.get_by_label("Title").fill("Older")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("This was saved meanwhile")).to_be_visible()
    assert leave_by(page, "Bookings", stay=True) == ["beforeunload"]
    page.get_by_role("link", name="Take what is saved").click()
    expect(page.get_by_label("Title")).to_have_value("Newer")

    other.get_by_label("Title").fill("Newest")
    other.get_by_role("button", name="Save", exact=True).click()
    expect(other.get_by_text("Saved.")).to_be_visible()
    page.get_by_label("Title").fill("Mine")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("button", name="Save mine").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    expect(page.get_by_label("Title")).to_have_value("Mine")


@pytest.mark.parametrize("script", [True, False])
def test_a_switch_of_language_keeps_a_half_filled_booking_form(
    open_browser: OpenBrowser, handle: str, talk: str, script: bool
) -> None:
    ken = open_browser()
    people.choose_time(ken, handle)
    form = ken.url
    ken = open_browser(java_script_enabled=script)
    ken.goto(form)
    ken.get_by_label("Name").fill("山田 健")
    ken.get_by_label("What would you like to discuss?").fill("My\ncase")
    ken.get_by_role("button", name="日本語").click()
    expect(ken.locator("html")).to_have_attribute("lang", "ja")
    assert ken.url.partition("?")[0] == form.partition("?")[0]
    expect(ken.locator("#name")).to_have_value("山田 健")
    expect(ken.locator("#note")).to_have_value("My\ncase")
    # Enter books; it presses no language.
    ken.locator("#email").fill(f"ken-{handle}@client.example")
    ken.locator("#email").press("Enter")
    expect(ken).to_have_url(re.compile("/booking/"))
    expect(ken.locator("html")).to_have_attribute("lang", "ja")


def test_enter_in_the_pages_form_saves_it(open_browser: OpenBrowser, aya: Host, talk: str) -> None:
    page = open_browser(host=aya)
    page.goto(talk)
    page.get_by_label("Location").fill("Room 4")
    page.get_by_label("Location").press("Enter")
    expect(page.get_by_text("Saved.")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator("#hours input[type=time]")).to_have_count(10)


def test_connecting_zoom_from_the_form_saves_the_page_first(
    open_browser: OpenBrowser, aya: Host, handle: str
) -> None:
    page = open_browser(host=aya)
    page.goto("/dashboard/pages/new")
    people.name_page(page, handle, "First talk")
    page.get_by_label("Description").fill("Kept")
    page.get_by_role("button", name="Save and connect Zoom").click()
    page.get_by_role("button", name="Allow").click()
    expect(page.get_by_text("Zoom is connected.")).to_be_visible()
    page.goto("/dashboard/pages")
    page.get_by_role("link", name="First talk", exact=True).click()
    expect(page.get_by_label("Description")).to_have_value("Kept")
