"""`make screens`: a picture of every page and state into screenshots/, to be looked at by people.

    python -m scripts.screens                                   starts a CalSync of its own
    python -m scripts.screens --base URL --sandbox URL          uses one that runs (make run)
    python -m scripts.screens --only public --languages ja      some of them

Pictures are named `<page>.<language>.<width>.png`, with `.dark` for the dark scheme. The
booking page's own, for the README, goes to docs/booking-page.png.
"""

import argparse
import re
import sys
import time
from datetime import date, timedelta

from playwright.sync_api import Page, sync_playwright

from scripts import chromium, screens_life
from scripts.camera import (
    FOLDER,
    PATIENCE,
    README_PICTURE,
    WIDE,
    WORDS,
    Camera,
    Stack,
    Words,
    launch,
    running_stack,
    until,
)


def main() -> int:
    parser = argparse.ArgumentParser(description="Take pictures of every page.")
    parser.add_argument("--base", help="a running CalSync, else one is started")
    parser.add_argument("--sandbox", help="its sandbox")
    parser.add_argument("--only", default="", help="only pictures whose name starts so")
    parser.add_argument("--languages", nargs="+", default=list(WORDS), choices=list(WORDS))
    wishes = parser.parse_args()
    if bool(wishes.base) != bool(wishes.sandbox):
        parser.error("--base and --sandbox go together")
    path = chromium.find()
    if path is None:
        print("no Chromium: python -m scripts.chromium --install", file=sys.stderr)
        return 1
    FOLDER.mkdir(exist_ok=True)
    started = time.monotonic()
    with running_stack(wishes.base, wishes.sandbox) as stack, sync_playwright() as playwright:
        browser = launch(playwright, path)
        taken = 0
        for language in wishes.languages:
            camera = Camera(browser, stack, language, wishes.only)
            Tour(camera, stack, WORDS[language]).walk()
            taken += camera.taken
    print(f"{taken} pictures in {FOLDER} ({time.monotonic() - started:.0f} s)")
    return 0


class Tour:
    """Two hosts and their clients, from the first page to the last."""

    def __init__(self, camera: Camera, stack: Stack, words: Words, mark: str = "") -> None:
        """`mark` is in addresses and mail addresses; a new one each time unless given."""
        self.camera, self.stack, self.words = camera, stack, words
        self.mark = mark or f"{camera.language}{int(time.time()) % 10_000_000}"

    def walk(self) -> None:
        self.stack.clear_faults()
        self.strangers()
        self.beginner()
        host = self.host()
        self.client(host)
        self.rest(host)

    def strangers(self) -> None:
        page = self.camera.window()
        self.camera.go(page, "/", "landing", dark=True)
        self.camera.go(page, "/signup", "sign-up")
        page.locator("main form button").click()
        self.camera.shoot(page, "sign-up-errors")
        self.camera.go(page, "/login", "sign-in")
        self.camera.go(page, "/docs", "docs", dark=True)
        self.camera.go(page, "/support", "support")
        self.camera.go(page, "/privacy", "privacy")
        self.camera.go(page, "/terms", "terms")
        self.camera.go(page, "/b/nobody", "error-404")

    def beginner(self) -> None:
        page = self.signed_up("new")
        self.camera.go(page, "/dashboard", "dashboard-empty")
        self.camera.go(page, "/dashboard/pages", "pages-empty")
        self.camera.go(page, "/dashboard/bookings", "bookings-empty")
        self.camera.go(page, "/settings/integrations", "integrations-not-connected")
        self.camera.go(page, "/dashboard/pages/new", "new-page", dark=True)
        self.camera.go(page, "/zoom/callback?code=x&state=y", "zoom-finish")

    def signed_up(self, who: str) -> Page:
        page = self.camera.window()
        page.goto("/signup")
        page.fill("#name", self.words.host)
        page.fill("#email", f"{who}-{self.mark}@example.com")
        page.fill("#password", "correct horse battery")
        page.locator("main form button").click()
        page.wait_for_url("**/dashboard")
        return page

    def host(self) -> Page:
        page = self.signed_up("aya")
        self.connect_zoom(page)
        self.camera.shoot(page, "integrations-connected", dark=True)
        self.make_page(page, self.words.long_title, f"long-{self.mark}")
        self.make_page(page, self.words.title, self.mark)
        self.camera.shoot(page, "page-saved")
        return page

    def connect_zoom(self, page: Page) -> None:
        page.context.add_cookies(
            [{"name": "sandbox_zoom_user", "value": f"aya-{self.mark}", "url": self.stack.sandbox}]
        )
        page.wait_for_load_state("networkidle")
        page.goto("/zoom/connect")
        page.locator("button[value=allow]").click()
        page.wait_for_url("**/settings/integrations")

    def make_page(self, page: Page, title: str, slug: str) -> None:
        page.goto("/dashboard/pages/new")
        self.fill_in_page(page, title, slug)
        page.locator("main form .button.main").last.click()
        page.wait_for_url(re.compile(r"/dashboard/pages/\d+$"))

    def fill_in_page(self, page: Page, title: str, slug: str) -> None:
        page.fill("#title", title)
        page.press("#title", "Tab")
        until(lambda: page.input_value("#slug"))  # a suggestion arrives
        page.fill("#slug", slug)
        page.fill("#description", self.words.description)
        page.check("#auto_zoom")

    def client(self, host: Page) -> None:
        page = self.camera.window()
        if self.camera.language == "en":
            self.readme_picture()
        self.camera.go(page, f"/b/{self.mark}?tz=Europe/Berlin", "public-elsewhere")
        self.camera.go(page, f"/b/long-{self.mark}", "public-long")
        self.camera.go(page, f"/b/{self.mark}", "public", dark=True)
        page.locator(".zone summary").click()
        self.camera.shoot(page, "public-zones")
        self.camera.go(page, f"/b/{self.mark}?month=2030-01", "public-none")
        slot = self.some_slot(page, 2)
        self.camera.go(page, slot, "form", dark=True)
        page.locator("main form .button.main").click()
        self.camera.shoot(page, "form-errors")
        self.stack.fail_next("429-second", 8)
        late = self.hesitate(slot)
        self.book(page, slot, self.words.clients[0])
        self.camera.shoot(page, "booked-creating")
        late.locator("main form .button.main").click()
        self.camera.shoot(late, "lost", dark=True)
        page.locator("#meeting .button.main").wait_for(timeout=PATIENCE * 1000)
        self.camera.shoot(page, "booked", dark=True)
        self.mails(1, "booked")
        booked = page.url
        join = screens_life.move(self, page)
        self.others(page)
        page.goto(booked)
        self.camera.go(page, page.url + "/cancel", "cancel")
        page.locator("main form button").click()
        page.wait_for_url(re.compile(r"/booking/[^/]+$"))
        self.camera.shoot(page, "cancelled")
        self.mails(6, "cancelled")
        screens_life.come_again(self, page, join)

    def some_slot(self, page: Page, number: int) -> str:
        """The address of one of the times on the second open day."""
        page.goto(f"/b/{self.mark}")
        page.goto(page.locator("a.day").nth(1).get_attribute("href") or "")
        return page.locator("a.time").nth(number).get_attribute("href") or ""

    def book(self, page: Page, slot: str, name: str, who: str = "ken") -> None:
        page.goto(slot)
        self.fill_in(page, name, who)
        page.locator("main form .button.main").click()
        page.wait_for_url("**/booking/*")

    def fill_in(self, page: Page, name: str, who: str) -> None:
        page.fill("#name", name)
        page.fill("#email", f"{who}-{self.mark}@example.com")
        page.fill("#note", self.words.note)

    def hesitate(self, slot: str) -> Page:
        """Somebody else, who has filled in the form for the same time and waits too long."""
        page = self.camera.window()
        page.goto(slot)
        self.fill_in(page, self.words.clients[1], "late")
        return page

    def others(self, page: Page) -> None:
        """More bookings: one whose meeting fails, one whose mail fails, one that is cancelled."""
        for number, fault in ((3, "scope-missing"), (5, None), (7, None)):
            self.stack.clear_faults()
            if fault:
                self.stack.fail_next(fault)
            self.book(page, self.some_slot(page, number), self.words.clients[number // 2])
            page.locator("#meeting .button.main, #meeting .note:not(.going)").first.wait_for(
                timeout=PATIENCE * 1000
            )

    def mails(self, count: int, occasion: str) -> None:
        """The newest mail to either party, once each has `count`."""
        for who in ("aya", "ken"):
            address = f"{who}-{self.mark}@example.com"
            until(lambda to=address: len(self.stack.mails(to)) >= count)
            mail = self.camera.window()
            self.camera.go(mail, self.stack.mails(address)[0], f"mail-{occasion}-{who}")

    def rest(self, page: Page) -> None:
        self.camera.go(page, "/dashboard", "dashboard", dark=True)
        self.camera.go(page, "/dashboard/pages", "pages")
        self.camera.go(page, "/dashboard/bookings", "bookings", dark=True)
        booking = page.locator(".bookings a.cover")
        ready, failed = booking.first.get_attribute("href"), booking.nth(1).get_attribute("href")
        self.camera.go(page, ready or "", "booking")
        self.camera.go(page, failed or "", "booking-failed")
        screens_life.host(self, page, ready or "")
        self.camera.go(page, "/dashboard/bookings?tab=past", "bookings-past")
        self.camera.go(page, "/dashboard/bookings?tab=cancelled", "bookings-cancelled")
        self.camera.go(page, "/dashboard/bookings?q=zzz", "bookings-none-found")
        self.camera.go(page, "/settings", "profile")
        self.long_form(page)

    def long_form(self, page: Page) -> None:
        """The form with several ranges and days, then with errors."""
        page.goto("/dashboard/pages")
        page.goto(page.locator(".page-title a").first.get_attribute("href") or "")
        ranges = page.locator(".range")
        for button in (
            "add-hours-0",
            "add-hours-0",
            "add-hours-2",
            "add-overrides",
            "add-overrides",
        ):
            before = ranges.count()
            page.locator(f"#{button}").click()
            until(lambda at=before: ranges.count() > at)
        days = page.locator("#overrides [type=date]")
        days.nth(0).fill((date.today() + timedelta(days=9)).isoformat())  # noqa: DTZ011
        days.nth(1).fill((date.today() + timedelta(days=30)).isoformat())  # noqa: DTZ011
        page.locator("#overrides-1-opens").fill("10:00")
        page.locator("#overrides-1-closes").fill("12:30")
        self.camera.shoot(page, "page-ranges")
        page.fill("#title", "")
        page.fill("#duration", "1")
        page.locator("#hours-0-closes").fill("08:00")
        page.locator("main form .button.main").last.click()
        page.locator(".summary").wait_for()
        self.camera.shoot(page, "page-errors", dark=True)

    def readme_picture(self) -> None:
        page = self.camera.window()
        page.goto(f"/b/{self.mark}")
        page.locator("#after").click()
        page.wait_for_url("**month=**")
        page.locator("a.day").nth(5).click()
        page.wait_for_url("**date=**")
        page.wait_for_load_state("networkidle")
        page.mouse.move(0, 0)
        page.evaluate("document.querySelector('.ribbon')?.remove(); document.activeElement.blur()")
        bottom = page.evaluate("document.querySelector('.sheet').getBoundingClientRect().bottom")
        README_PICTURE.parent.mkdir(exist_ok=True)
        page.screenshot(
            path=README_PICTURE, clip={"x": 0, "y": 0, "width": WIDE, "height": bottom + 40}
        )


if __name__ == "__main__":
    sys.exit(main())
