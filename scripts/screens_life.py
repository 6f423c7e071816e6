"""Pictures of what comes after a booking: moving, joining, reminding, coming again; both sides of it."""

import re
from typing import TYPE_CHECKING

from playwright.sync_api import Page

if TYPE_CHECKING:
    from scripts.screens import Tour

BOOKING = re.compile(r"/booking/[^/?]+$")


def move(tour: "Tour", page: Page) -> str:
    """From the client's page through a move and back to it; gives the join address."""
    camera, home = tour.camera, page.url
    join = page.locator('a.button.main[href*="/join/"]').get_attribute("href") or ""
    camera.go(page, f"{home}/reschedule", "move", dark=True)
    page.goto(page.locator("a.day").last.get_attribute("href") or "")
    page.goto(page.locator("a.time").last.get_attribute("href") or "")
    page.fill("#reason", tour.words.note)
    camera.shoot(page, "move-form", dark=True)
    page.locator("main form .button.main").click()
    page.wait_for_url(BOOKING)
    page.locator("#link .button.main").wait_for()
    camera.shoot(page, "moved", dark=True)
    tour.mails(2, "moved")
    switch = page.locator('a[href*="/reminders/"]').first.get_attribute("href") or ""
    camera.go(page, switch, "reminders")
    page.goto(home)
    return join


def come_again(tour: "Tour", page: Page, join: str) -> None:
    """After the end of a booking."""
    home = page.url
    tour.camera.go(page, join, "join-cancelled")
    tour.camera.go(page, f"{home}/again", "again")


def host(tour: "Tour", page: Page, booking: str) -> None:
    """What a host does with a booking, and where they keep their calendar's feed."""
    camera = tour.camera
    camera.go(page, f"{booking}/reschedule", "host-move")
    page.goto(page.locator("a.day").last.get_attribute("href") or "")
    camera.go(page, page.locator("a.time").last.get_attribute("href") or "", "host-move-form")
    camera.go(page, f"{booking}/rebook", "rebook")
    camera.go(page, f"{booking}/series", "series")
    camera.go(page, f"{booking}/cancel", "cancel-by-host")
    camera.go(page, "/dashboard/bookings?q=a&from=2026-01-01", "bookings-filtered")
    page.goto("/settings/integrations")
    page.locator('form[action*="feed"] button').first.click()
    page.wait_for_load_state("networkidle")
    camera.shoot(page, "feed")
