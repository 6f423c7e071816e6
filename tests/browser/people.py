"""What a host and a client do at a browser, with or without JavaScript.

`say` turns the English words of a screen into those of the reader's language.
"""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

PASSWORD = "correct horse battery"
Say = Callable[[str], str]


def sign_up(page: Page, handle: str, name: str = "Aya Sato", say: Say = str) -> None:
    page.goto("/signup")
    page.get_by_label(say("Your name")).fill(name)
    page.get_by_label(say("Email address")).fill(f"{handle}@host.example")
    page.get_by_label(say("Password")).fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name=say("Sign up")).click()
    expect(page).to_have_url(re.compile("/dashboard$"))


def sign_in(page: Page, handle: str, say: Say = str) -> None:
    page.goto("/login")
    page.get_by_label(say("Email address")).fill(f"{handle}@host.example")
    page.get_by_label(say("Password")).fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name=say("Sign in")).click()


def connect_zoom(page: Page, say: Say = str) -> None:
    page.goto("/settings/integrations")
    page.get_by_role("link", name=say("Connect Zoom")).click()
    page.get_by_role("button", name="Allow").click()
    expect(page.get_by_text(say("Zoom is connected."))).to_be_visible()


def make_page(page: Page, slug: str, title: str = "First talk", auto_zoom: bool = True) -> None:
    page.goto("/dashboard")
    page.get_by_role("link", name="New Booking Page").first.click()
    name_page(page, slug, title)
    if auto_zoom:
        page.get_by_label("Auto-create Zoom meeting").check()
    page.get_by_role("button", name="Create the page").click()
    expect(page.get_by_text("The page is live")).to_be_visible()


def name_page(page: Page, slug: str, title: str, say: Say = str) -> None:
    page.get_by_label(say("Title")).fill(title)
    page.get_by_label(say("Title")).blur()
    page.wait_for_load_state("networkidle")  # a suggested address may be on its way
    page.locator("#slug").fill(slug)


def choose_time(page: Page, slug: str, say: Say = str) -> None:
    page.goto(f"/b/{slug}")
    if not page.locator("a.day").count():
        page.get_by_role("link", name=re.compile(f"^{say('Next month')}")).click()
    page.locator("a.day").last.click()
    expect(page.locator("a.day").last).to_have_attribute("aria-current", "date")
    page.locator("a.time").last.click()
    expect(page.get_by_role("button", name=say("Book this time"))).to_be_visible()


def book(page: Page, slug: str, email: str, name: str = "Ken Yamada", say: Say = str) -> None:
    choose_time(page, slug, say)
    page.get_by_label(say("Name"), exact=True).fill(name)
    page.get_by_label(say("Email address")).fill(email)
    page.get_by_role("button", name=say("Book this time")).click()
    expect(page.get_by_role("heading", name=say("You’re booked"))).to_be_visible()
