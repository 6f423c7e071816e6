"""What the published guide says of troubles, permissions and deletion, step by step."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import requests
from playwright.sync_api import Page, expect

from tests.browser import people
from tests.browser.walk import Walk, step
from tests.support.services import wait_until
from tests.support.stack import ROOT, Stack, clean_environment


def get_over_error_4700(walk: Walk) -> None:
    aya, say = walk.aya, walk.say
    with step('If you see a "4700" error during Zoom authorization, try the following:'):
        aya.goto("/settings/integrations")
        aya.get_by_role("link", name=say("Connect Zoom")).click()
        aya.goto(re.sub("redirect_uri=[^&]+", "redirect_uri=https%3A%2F%2Fx.invalid", aya.url))
        expect(aya.get_by_role("main")).to_contain_text("4700")
        aya.goto(f"{walk.stack.base}/zoom/callback?error=invalid_request&error_code=4700")
        expect(aya.get_by_role("main")).to_contain_text("4700")
        advice = aya.locator("main ol li")
        expect(advice).to_have_count(5)
    with step("Make sure you are using the latest version of your browser."):
        expect(advice.nth(1)).to_have_text(
            say("Make sure you are using the latest version of your browser.")
        )
    with step("Ensure you are not using a VPN or proxy that might interfere with the redirect."):
        expect(advice.nth(3)).to_have_text(
            say("Ensure you are not using a VPN or proxy that might interfere with the redirect.")
        )
    with step("If the issue persists, contact support@calsync.site."):
        support = advice.nth(4).get_by_role("link", name="support@calsync.site")
        expect(support).to_have_attribute("href", "mailto:support@calsync.site")
    with step("Clear your browser cache and cookies."):
        expect(advice.nth(0)).to_have_text(say("Clear your browser cache and cookies."))
        aya.context.clear_cookies(domain="127.0.0.1", name=re.compile("^(?!sandbox_)"))
        connect_from_the_error(walk, aya)
    with step("Try using a different browser or incognito/private mode."):
        incognito = walk.browser(walk.handle)
        incognito.goto("/zoom/callback?error=4700")
        expect(incognito.locator("main ol li").nth(2)).to_have_text(
            say("Try using a different browser or incognito/private mode.")
        )
        connect_from_the_error(walk, incognito)


def connect_from_the_error(walk: Walk, page: Page) -> None:
    """Nobody is signed in there; the error's page has the way on."""
    page.get_by_role("link", name=walk.say("Connect Zoom")).click()
    page.get_by_label(walk.say("Email address")).fill(walk.host_email)
    page.get_by_label(walk.say("Password")).fill(people.PASSWORD)
    page.get_by_role("main").get_by_role("button", name=walk.say("Sign in")).click()
    page.get_by_role("button", name="Allow").click()
    expect(page.get_by_role("status")).to_have_text(walk.say("Zoom is connected."))


def find_out_why_no_meetings(walk: Walk) -> None:
    """After a removal, with a booking that waits for its meeting."""
    aya, say = walk.aya, walk.say
    waiting, findings = walk.booked[-1], aya.locator("#diagnosis li")
    with step("Verify that your Zoom account is connected in Settings > Integrations."):
        walk.follow_guide("#no-meetings + ol li:nth-child(1)")
        expect(aya.locator("#zoom")).to_contain_text(say("Not connected"))
        diagnose(walk)
        connection = findings.filter(has=aya.get_by_role("link", name=say("Connect Zoom")))
        expect(connection).to_contain_class("failed")
    with step("Ensure the Auto-create Zoom meeting option is enabled on your booking page."):
        line = findings.filter(has_text=say("Auto-create Zoom meeting"))
        for is_on in (False, True):
            switch_auto_create(walk, is_on)
            diagnose(walk)
            expect(line.get_by_role("link", name=walk.second_title)).to_have_count(int(is_on))
    with step(
        "Check that your Zoom account has the necessary permissions (meeting:write:meeting)."
    ):
        # The booking that waits would find out by itself at any moment, and end the connection:
        # Zoom makes no meetings until the host has found the same.
        walk.stack.fault("500", 1000)
        with granting(walk.stack, "meeting:read:meeting"):
            aya.locator("#zoom").get_by_role("link", name=say("Connect Zoom")).click()
            aya.get_by_role("button", name="Allow").click()
            expect(aya.locator("#zoom")).to_contain_text(say("Reconnection needed"))
        diagnose(walk)
        expect(findings.filter(has_text="meeting:write:meeting")).to_contain_class("failed")
        assert not mails_with(walk, waiting, "/j/")
    with step("Try disconnecting and reconnecting your Zoom account in Settings."):
        walk.follow_guide("#no-meetings + ol li:nth-child(4)")
        walk.press("Disconnect Zoom")
        people.connect_zoom(aya, say)
        walk.stack.clear_faults()
        wait_until(lambda: mails_with(walk, waiting, "/j/"), "the meeting that waited")
        diagnose(walk)
        expect(findings.and_(aya.locator(".done")).first).to_be_visible()
        expect(findings.and_(aya.locator(".failed"))).to_have_count(0)


def diagnose(walk: Walk) -> None:
    """The guide's questions, asked at the press of a button."""
    walk.aya.goto("/settings/integrations")
    walk.press("Check the connection")
    expect(walk.aya.get_by_role("button", name=walk.say("Check again"))).to_be_visible()


def switch_auto_create(walk: Walk, is_on: bool) -> None:
    walk.follow_guide("#no-meetings + ol li:nth-child(2)")
    walk.aya.get_by_role("link", name=walk.second_title).first.click()
    walk.aya.get_by_label(walk.say("Auto-create Zoom meeting")).set_checked(is_on)
    walk.aya.get_by_role("button", name=walk.say("Save"), exact=True).click()
    expect(walk.aya.get_by_role("status")).to_have_text(walk.say("Saved."))


@contextmanager
def granting(stack: Stack, *scopes: str) -> Iterator[None]:
    """What Zoom grants meanwhile to whoever allows."""
    address = f"{stack.sandbox}/api/settings"
    usual = requests.get(address, timeout=10).json()["scopes"]
    requests.post(address, json={"scopes": scopes}, timeout=10).raise_for_status()
    yield
    requests.post(address, json={"scopes": usual}, timeout=10).raise_for_status()


def ask_for_help(walk: Walk) -> None:
    aya = walk.aya
    with step(
        "If you have any questions, please visit our Support page or email us at support@calsync.site."
    ):
        aya.goto("/docs")
        mail = aya.locator("#help").get_by_role("link", name="support@calsync.site")
        expect(mail).to_have_attribute("href", "mailto:support@calsync.site")
        aya.locator("#help").get_by_role("link").first.click()
        expect(aya).to_have_url(f"{walk.stack.base}/support")
        expect(aya.get_by_role("heading", level=1)).to_have_text(walk.say("Support"))
    with step("© 2026 株式会社国際資源 All rights reserved."):
        expect(aya.locator("footer")).to_contain_text(
            "© 2026 株式会社国際資源 All rights reserved."
        )


def have_everything_deleted(walk: Walk) -> None:
    aya, say = walk.aya, walk.say
    with step(
        'To request full data deletion, email support@calsync.site with the subject "Data Deletion Request".'
    ):
        aya.goto("/docs")
        mail = aya.locator("#data-after-removal li").get_by_role("link")
        expect(mail).to_have_attribute(
            "href", "mailto:support@calsync.site?subject=Data%20Deletion%20Request"
        )
        delete_account(walk)
        for client in walk.booked:
            newest = walk.stack.mails(client)[0]
            assert newest["calendars"][0]["method"] == "CANCEL"
        people.sign_in(aya, walk.handle, say)
        expect(aya.get_by_role("alert")).to_be_visible()
        walk.ken.goto(f"/b/{walk.handle}")
        expect(walk.ken.get_by_role("heading", level=1)).not_to_have_text(walk.second_title)
        walk.expect_installed(False)


def delete_account(walk: Walk) -> None:
    """What the operator does when such a mail comes."""
    subprocess.run(
        [
            sys.executable,
            "-m",
            "flask",
            "--app",
            "wsgi",
            "delete-account",
            walk.host_email,
            "--yes",
        ],
        cwd=ROOT,
        env=clean_environment() | {"INSTANCE_PATH": str(walk.stack.instance)},
        check=True,
        capture_output=True,
        timeout=120,
    )


def mails_with(walk: Walk, to: str, link: str) -> bool:
    return any(link in mail["text"] for mail in walk.stack.mails(to))
