"""A host and clients who follow the published guide, with the guide's own sentences for steps."""

import gettext
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import requests
from playwright.sync_api import Page, expect
from sqlalchemy import create_engine, text

from tests.browser import people
from tests.support.stack import ROOT, Stack

PUBLISHED = (ROOT / "tests/guide/published.txt").read_text(encoding="utf-8").splitlines()
BROWSERS = {"en": "en-GB", "ja": "ja-JP"}
NAMES = {
    "en": ("Aya Sato", "Ken Yamada", "First talk"),
    "ja": ("佐藤 あや", "山田 健", "はじめてのご相談"),
}


@contextmanager
def step(sentence: str) -> Iterator[None]:
    """What the guide says; the block does it, and fails where it does not come true."""
    assert sentence in PUBLISHED
    try:
        yield
    except Exception as error:
        error.add_note(f"The guide says: {sentence}")
        raise


@dataclass
class Walk:
    """One reader of the guide in one language, on one CalSync."""

    stack: Stack
    language: str
    handle: str
    open_browser: Callable[..., Page]
    aya: Page = field(init=False)
    ken: Page = field(init=False)
    booked: list[str] = field(default_factory=list)  # mail addresses
    links: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        catalogue = gettext.translation(
            "messages", ROOT / "app/translations", [self.language], fallback=self.language == "en"
        )
        self.say = catalogue.gettext
        self.host_name, self.client_name, self.title = NAMES[self.language]
        self.aya, self.ken = self.browser(self.handle), self.browser()
        people.sign_up(self.aya, self.handle, self.host_name, self.say)

    @property
    def second_title(self) -> str:
        return f"{self.title} 2"

    @property
    def host_email(self) -> str:
        return f"{self.handle}@host.example"

    def browser(self, zoom_user: str = "") -> Page:
        return self.open_browser(
            zoom_user,
            locale=BROWSERS[self.language],
            permissions=["clipboard-read", "clipboard-write"],
        )

    def at_zoom(self, path: str) -> re.Pattern[str]:
        """An address at Zoom, whatever its query."""
        return re.compile(f"^{re.escape(self.stack.sandbox + path)}($|\\?)")

    def follow_guide(self, item: str) -> None:
        """Open the documentation, and the link in that place of it."""
        self.aya.goto("/docs")
        self.aya.locator(item).get_by_role("link").first.click()

    def go(self, *names: str) -> None:
        """By the navigation at the top."""
        for name in names:
            link = self.aya.locator("header nav").get_by_role(
                "link", name=self.say(name), exact=True
            )
            link.click()
            expect(link).to_have_attribute("aria-current", "page")

    def press(self, button: str) -> None:
        self.aya.get_by_role("main").get_by_role("button", name=self.say(button)).click()

    def client_books(self, slug: str) -> str:
        """Their mail address; their browser stays at the booking."""
        email = f"client{len(self.booked)}-{self.handle}@client.example"
        people.book(self.ken, slug, email, self.client_name, self.say)
        self.booked.append(email)
        return email

    def client_gets_link(self) -> str:
        """Zoom's link, which comes to stand on the client's page below the button; both open a
        meeting at Zoom."""
        button = self.ken.get_by_role("link", name=self.say("Join the Zoom meeting"))
        expect(button).to_be_visible(timeout=20_000)
        self.opens_meeting(button.get_attribute("href") or "")
        address = self.ken.locator('#link a[href*="/j/"]').get_attribute("href") or ""
        self.opens_meeting(address)
        assert address not in self.links
        self.links.append(address)
        return address

    def opens_meeting(self, link: str) -> None:
        page = self.ken.context.new_page()
        page.goto(link)
        expect(page.get_by_role("heading", level=1)).to_contain_text(self.client_name)
        page.close()

    def meetings_at_zoom(self) -> int:
        """How many were ever made in the host's name."""
        found = requests.get(f"{self.stack.sandbox}/api/meetings?all=1", timeout=10).json()
        return sum(meeting["user"] == self.handle for meeting in found)

    def kept_tokens(self) -> list[str]:
        """What the database keeps for the host of Zoom's tokens, sealed."""
        engine = create_engine(self.stack.database_url)
        with engine.connect() as connection:
            rows = connection.execute(
                text(
                    "SELECT access_token, refresh_token FROM zoom_connections"
                    " JOIN users ON users.id = zoom_connections.user_id WHERE email = :email"
                ),
                {"email": self.host_email},
            ).all()
        engine.dispose()
        return [token for row in rows for token in row if token]

    def expect_installed(self, is_installed: bool) -> None:
        """Whether CalSync is among the installed apps at Zoom."""
        page = self.aya.context.new_page()
        page.goto(f"{self.stack.sandbox}/marketplace/installed")
        expect(page.get_by_role("link", name="Remove")).to_have_count(int(is_installed))
        page.close()
