"""What a host and a client do at a browser, with or without JavaScript."""

import re

from playwright.sync_api import Page, expect

PASSWORD = "correct horse battery"


def sign_up(page: Page, handle: str, name: str = "Aya Sato") -> None:
    page.goto("/signup")
    page.get_by_label("Your name").fill(name)
    page.get_by_label("Email address").fill(f"{handle}@host.example")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Sign up").click()
    expect(page).to_have_url(re.compile("/dashboard$"))


def connect_zoom(page: Page) -> None:
    page.goto("/settings/integrations")
    page.get_by_role("link", name="Connect Zoom").click()
    page.get_by_role("button", name="Allow").click()
    expect(page.get_by_text("Zoom is connected.")).to_be_visible()


def make_page(page: Page, slug: str, title: str = "First talk", auto_zoom: bool = True) -> None:
    page.goto("/dashboard")
    page.get_by_role("link", name="New Booking Page").first.click()
    page.get_by_label("Title").fill(title)
    page.get_by_label("Title").blur()
    page.wait_for_load_state("networkidle")  # a suggested address may be on its way
    page.locator("#slug").fill(slug)
    if auto_zoom:
        page.get_by_label("Auto-create Zoom meeting").check()
    page.get_by_role("button", name="Create the page").click()
    expect(page.get_by_text("The page is live")).to_be_visible()


def choose_time(page: Page, slug: str) -> None:
    page.goto(f"/b/{slug}")
    if not page.locator("a.day").count():
        page.get_by_role("link", name=re.compile("^Next month")).click()
    page.locator("a.day").last.click()
    expect(page.locator("a.day").last).to_have_attribute("aria-current", "date")
    page.locator("a.time").last.click()
    expect(page.get_by_role("button", name="Book this time")).to_be_visible()


def book(page: Page, slug: str, email: str, name: str = "Ken Yamada") -> None:
    choose_time(page, slug)
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Email address").fill(email)
    page.get_by_role("button", name="Book this time").click()
    expect(page.get_by_role("heading", name="You are booked")).to_be_visible()
