"""Who has booked and goes back, or opens the time once more, meets the booking again."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser import people
from tests.journey.people import Host, book
from tests.support.visitor import OverHttp, Visitor

OpenBrowser = Callable[..., Page]
PHONE = {"viewport": {"width": 360, "height": 640}}


@pytest.fixture
def slug(talk: str, handle: str) -> str:
    return handle


def test_back_after_booking_leads_to_the_booking_and_no_way_back_is_blocked(
    open_browser: OpenBrowser, slug: str
) -> None:
    ken = open_browser()
    people.book(ken, slug, f"ken-{slug}@client.example")
    booked = ken.url
    ken.go_back()
    expect(ken).to_have_url(booked)
    expect(ken.get_by_role("heading", name="You’re booked")).to_be_visible()
    ken.go_back()
    expect(ken).to_have_url(re.compile(f"/b/{slug}\\?"))
    expect(ken.locator("#times")).to_be_visible()


def test_back_to_a_form_that_has_booked_nothing_keeps_what_was_typed(
    open_browser: OpenBrowser, slug: str
) -> None:
    ken = open_browser()
    people.choose_time(ken, slug)
    form = ken.url
    ken.get_by_label("Name", exact=True).fill("Ken Yamada")
    ken.get_by_role("link", name="Choose another time").click()
    expect(ken).to_have_url(re.compile("date="))
    ken.go_back()
    expect(ken).to_have_url(form)
    expect(ken.get_by_label("Name", exact=True)).to_have_value("Ken Yamada")


def test_without_a_script_back_and_the_button_lead_to_the_booking(
    open_browser: OpenBrowser, slug: str
) -> None:
    ken = open_browser(java_script_enabled=False)
    people.book(ken, slug, f"ken-{slug}@client.example")
    booked = ken.url
    ken.go_back()
    expect(ken.get_by_role("button", name="Book this time")).to_be_visible()
    ken.get_by_role("button", name="Book this time").click()
    expect(ken).to_have_url(booked)


def test_a_second_tab_says_where_the_link_is_and_books_no_other_time_unseen(
    open_browser: OpenBrowser, slug: str, expected_failures: set[int]
) -> None:
    expected_failures.add(409)
    ken = open_browser()
    people.choose_time(ken, slug)
    second = ken.context.new_page()
    second.goto(ken.url)
    people.book(ken, slug, f"ken-{slug}@client.example")
    second.get_by_label("Name", exact=True).fill("Ken Yamada")
    second.get_by_label("Email address").fill(f"ken-{slug}@client.example")
    second.get_by_role("button", name="Book this time").click()
    expect(second.get_by_role("alert").first).to_contain_text("no longer available")
    expect(second.get_by_text("Did you just book this time yourself?")).to_be_visible()
    second.locator("button.time").first.click()
    expect(second.get_by_role("button", name="Book this time")).to_be_visible()
    expect(second.get_by_label("Email address")).to_have_value(f"ken-{slug}@client.example")


def test_without_a_script_the_times_of_a_chosen_day_are_in_view(
    open_browser: OpenBrowser, slug: str
) -> None:
    ken = open_browser(java_script_enabled=False, **PHONE)
    ken.goto(f"/b/{slug}")
    if not ken.locator("a.day").count():
        ken.locator("#after").click()
    ken.locator("a.day").last.click()
    expect(ken.locator("#times h2")).to_be_in_viewport()
    expect(ken.locator("a.time").first).to_be_in_viewport()

    wide = open_browser(java_script_enabled=False)
    wide.goto(ken.url)
    assert wide.evaluate("scrollY") == 0


def test_a_search_keeps_its_place_on_the_way_to_a_booking_and_back(
    open_browser: OpenBrowser, aya: Host, slug: str
) -> None:
    book(Visitor(OverHttp(aya.stack.base)), slug, name="Ken Yamada", email="ken@client.example")
    for has_script in (True, False):
        page = open_browser(host=aya, java_script_enabled=has_script, **PHONE)
        page.goto("/dashboard/bookings")
        page.locator("#q").fill("Yamada")
        page.locator("#q").press("Enter")
        expect(page).to_have_url(re.compile("q=Yamada"))
        row = page.locator("ul.bookings a.cover")
        expect(row).to_be_in_viewport()
        row.click()
        page.get_by_role("link", name="Bookings", exact=True).last.click()
        expect(page).to_have_url(re.compile("q=Yamada"))
        expect(page.locator("#q")).to_have_value("Yamada")
        page.get_by_role("link", name="Past").click()
        expect(page).to_have_url(re.compile("(?=.*tab=past).*q=Yamada"))
