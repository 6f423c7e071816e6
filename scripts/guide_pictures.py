"""`make pictures`: take the pictures of screens that the documentation shows, app/static/guide/*.webp.

    python -m scripts.guide_pictures                       starts a CalSync of its own
    python -m scripts.guide_pictures --only bookings       some of them
    python -m scripts.guide_pictures --languages ja

Each is a part of a real page of a CalSync that runs, with a host's bookings in it. Two things
are retouched: the ribbon of the sandbox goes, and links begin with the public address in place
of the loopback one.
"""

import argparse
import base64
import re
import sys

from playwright.sync_api import Locator, Page, sync_playwright

from app.guide.pictures import DENSITY, FOLDER
from scripts import chromium
from scripts.screens import (
    WORDS,
    Camera,
    Stack,
    Tour,
    Words,
    launch,
    running_stack,
    until,
)

PUBLISHED = "https://calsync.site"
# CSS pixels of the window: lists stand in columns from 768 on, the booking page from 832 on.
WIDTH, CLIENTS_WIDTH = 800, 880
TALLEST = 680  # CSS pixels of a picture; the rest is left out
AROUND = 16  # CSS pixels of paper around what is shown
QUALITY = 60
# What CalSync suggests for the titles.
SLUGS = {"en": "online-consultation", "ja": "onrain-mendan"}
RETOUCH = """(published) => {
  document.querySelector('.ribbon')?.remove();
  for (const field of document.querySelectorAll('input')) {
    field.value = field.value.replace(location.origin, published);
  }
  const hint = document.querySelector('#slug-field .soft');
  if (hint) hint.innerHTML = hint.innerHTML.replace(location.origin, published);
  document.activeElement.blur();
}"""


class Guide(Tour):
    """A host's way through CalSync, as the documentation tells it."""

    def __init__(self, camera: Camera, stack: Stack, words: Words, only: str) -> None:
        super().__init__(camera, stack, words, mark=SLUGS[camera.language])
        self.only = only

    def walk(self) -> None:
        self.stack.clear_faults()
        page = self.signed_up("aya")
        page.set_viewport_size({"width": WIDTH, "height": 900})
        self.connect_zoom(page)
        zoom = page.locator("#zoom")
        self.take("connected", page, page.locator("main > .note"), zoom)
        page.goto("/dashboard/pages/new")
        self.fill_in_page(page, self.words.title, self.mark)
        self.take("new-page", page, page.locator("h1"), page.locator("#auto_zoom-hint"))
        page.locator("main form .button.main").last.click()
        page.wait_for_url(re.compile(r"/dashboard/pages/\d+$"))
        self.take("share", page, page.locator("main > .note"), page.locator(".share"))
        self.client_sees()
        page.goto("/dashboard/bookings")
        self.take("bookings", page, page.locator("h1"), page.locator(".list.bookings"))

    def client_sees(self) -> None:
        """The booking page, and a few bookings for the host's list."""
        page = self.camera.window()
        for number, name in zip((0, 2, 5), self.words.clients, strict=False):
            self.book(page, self.some_slot(page, number), name)
            page.locator("#meeting .button.main").wait_for()
        for who in ("aya", "ken"):
            address = f"{who}-{self.mark}@example.com"
            until(lambda to=address: len(self.stack.mails(to)) == 3)
        page.set_viewport_size({"width": CLIENTS_WIDTH, "height": 900})
        self.open_some_day(page)
        sheet = page.locator(".sheet")
        self.take("client", page, sheet, sheet)

    def some_slot(self, page: Page, number: int) -> str:
        self.open_some_day(page)
        return page.locator("a.time").nth(number).get_attribute("href") or ""

    def open_some_day(self, page: Page) -> None:
        """Of next month: late in a month this one has few open days left."""
        page.goto(f"/b/{self.mark}")
        page.locator("#after").click()
        page.wait_for_url("**month=**")
        page.goto(page.locator("a.day").nth(6).get_attribute("href") or "")

    def take(self, name: str, page: Page, first: Locator, last: Locator) -> None:
        """From the top of `first` to the bottom of `last`, as WebP."""
        if not name.startswith(self.only):
            return
        page.wait_for_load_state("networkidle")
        page.evaluate(RETOUCH, PUBLISHED)
        page.mouse.move(0, 0)
        top, bottom = first.bounding_box(), last.bounding_box()
        assert top
        assert bottom
        left = min(top["x"], bottom["x"]) - AROUND
        clip = {
            "x": left,
            "y": top["y"] - AROUND,
            "width": max(top["x"] + top["width"], bottom["x"] + bottom["width"]) + AROUND - left,
            "height": min(bottom["y"] + bottom["height"] - top["y"] + 2 * AROUND, TALLEST),
            "scale": DENSITY,
        }
        chrome = page.context.new_cdp_session(page)
        taken = chrome.send(
            "Page.captureScreenshot",
            {
                "format": "webp",
                "quality": QUALITY,
                "clip": clip,
                "captureBeyondViewport": True,
            },
        )
        file = FOLDER / f"{name}.{self.camera.language}.webp"
        file.write_bytes(base64.b64decode(taken["data"]))
        print(f"{file.name}: {file.stat().st_size / 1000:.0f} kB")


def main() -> int:
    parser = argparse.ArgumentParser(description="Take the documentation's pictures.")
    parser.add_argument("--only", default="", help="only pictures whose name starts so")
    parser.add_argument("--languages", nargs="+", default=list(WORDS), choices=list(WORDS))
    wishes = parser.parse_args()
    path = chromium.find()
    if path is None:
        print("no Chromium: python -m scripts.chromium --install", file=sys.stderr)
        return 1
    FOLDER.mkdir(exist_ok=True)
    with running_stack(None, None) as stack, sync_playwright() as playwright:
        browser = launch(playwright, path)
        for language in wishes.languages:
            camera = Camera(browser, stack, language, "")
            Guide(camera, stack, WORDS[language], wishes.only).walk()
    return 0


if __name__ == "__main__":
    sys.exit(main())
