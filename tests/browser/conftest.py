"""Chromium on a running CalSync. Every page fails its test on a console error or a CSP violation."""

import os
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from scripts import chromium
from tests.journey.people import Host
from tests.support.stack import Stack

AXE = Path("node_modules/axe-core/axe.min.js")
# Chromium's background traffic only delays tests on machines without a way out.
FLAGS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
TELL_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) => {
  console.error(`CSP: ${event.violatedDirective} ${event.blockedURI}`);
});
"""
_numbers = count(1)


@pytest.fixture(scope="session")
def stack(stacks: Callable[[str], Stack]) -> Stack:
    return stacks("sqlite")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = chromium.find()
    if path is None:
        hint = "no Chromium here: `make test` fetches one, or apt-get install chromium"
        assert os.environ.get("CALSYNC_REQUIRE_BROWSER") != "1", hint
        pytest.skip(hint)
    flags = FLAGS + (["--no-sandbox"] if os.geteuid() == 0 else [])
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=flags)
        yield running
        running.close()


@pytest.fixture
def expected_failures() -> set[int]:
    """Statuses that a test expects: Chromium logs a line for each 4xx it loads."""
    return set()


@pytest.fixture
def open_browser(
    browser: Browser, stack: Stack, expected_failures: set[int]
) -> Iterator[Callable[..., Page]]:
    """Another person's browser, at the first page. English, wide and light unless said otherwise.

    `host` is signed in there; `zoom_user` is who somebody without an account is at Zoom."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        expected = any(f"status of {status}" in message.text for status in expected_failures)
        if message.type in {"error", "warning"} and not expected:
            complaints.append(f"{message.text} ({message.location.get('url')})")

    def open_one(zoom_user: str = "", host: Host | None = None, **options: Any) -> Page:
        defaults = {"locale": "en-GB", "timezone_id": "Asia/Tokyo", "base_url": stack.base}
        context = browser.new_context(**(defaults | options))
        context.set_default_timeout(15_000)
        contexts.append(context)
        context.add_init_script(TELL_VIOLATIONS)
        context.on("console", listen)
        context.on("weberror", lambda error: complaints.append(str(error.error)))
        cookies = {"sandbox_zoom_user": zoom_user} if zoom_user else {}
        if host:
            cookies = host.cookies
        context.add_cookies(
            [{"name": name, "value": value, "url": stack.base} for name, value in cookies.items()]
        )
        return context.new_page()

    yield open_one
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def handle() -> str:
    """A name nobody else has: for a host, their Zoom user and their page."""
    return f"host{next(_numbers)}"


@pytest.fixture
def aya(stack: Stack, handle: str) -> Host:
    """A host with an account, for whom no browser has opened: test_journey.py signs up in one."""
    host = Host(stack, handle, "Aya Sato")
    host.sign_up()
    return host


@pytest.fixture
def talk(aya: Host, handle: str) -> str:
    """The address, below /dashboard, of a page of Aya's without Zoom; its clients find it under
    her handle."""
    return aya.make_page(handle, title="First talk").path
