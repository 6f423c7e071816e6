"""The published guide, followed sentence by sentence in Chromium, as its readers follow it.

Each step is named by the guide's sentence. The host reads and clicks in one language, on one
database; `make proof` walks all pairs.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import people
from tests.browser.guide_troubles import (
    ask_for_help,
    find_out_why_no_meetings,
    get_over_error_4700,
    have_everything_deleted,
    mails_with,
)
from tests.browser.walk import PUBLISHED, Walk, step
from tests.support.services import wait_until
from tests.support.stack import Stack

OpenBrowser = Callable[..., Page]
# Titles, and sentences that say what comes next and promise nothing themselves.
TITLES = {
    "CalSync Documentation",
    "This guide explains how to add, use, and remove the CalSync app from your Zoom account.",
    "1. How to Add CalSync to Zoom",
    "Follow these steps to add CalSync to your Zoom account:",
    "2. How to Use CalSync with Zoom",
    "3. How to Remove CalSync from Zoom",
    "Method A: Via CalSync Settings",
    "Method B: Via Zoom Marketplace",
    "Permissions Requested",
    "4. Data Handling After Removal",
    "When you remove CalSync from your Zoom account (de-authorization), the following occurs:",
    "5. Troubleshooting",
    "Error: Invalid Redirect URL (Error 4700)",
    "Zoom meetings are not being created",
    "Need Help?",
}


@pytest.fixture(scope="session")
def stack(engine: str, stacks: Callable[[str], Stack]) -> Stack:
    """CalSync on each database."""
    return stacks(engine)


@pytest.mark.parametrize(
    ("engine", "language"),
    [
        pytest.param("sqlite", "en", marks=pytest.mark.slow),
        pytest.param("sqlite", "ja", marks=pytest.mark.slow),
        # The other tests with a browser are on SQLite and mostly in English.
        ("postgresql", "ja"),
        pytest.param("postgresql", "en", marks=pytest.mark.slow),
    ],
    indirect=["engine"],
    scope="session",  # so that both languages walk on the same processes
)
def test_whoever_follows_the_guide_finds_what_it_says(
    stack: Stack,
    open_browser: OpenBrowser,
    handle: str,
    expected_failures: set[int],
    language: str,
) -> None:
    walk = Walk(stack, language, handle, open_browser)
    add(walk)
    use(walk)
    check_permissions(walk)
    remove_in_calsync(walk)
    expect_no_new_meetings(walk)
    find_out_why_no_meetings(walk)  # here, since it ends with a connection to be removed
    remove_at_zoom(walk)
    expect_no_new_meetings(walk)
    data_after_removal(walk)
    expected_failures.add(400)  # Zoom's own page of error 4700
    get_over_error_4700(walk)
    ask_for_help(walk)
    expected_failures.update({404, 422})  # the page of a deleted account, and signing in to it
    have_everything_deleted(walk)


def add(walk: Walk) -> None:
    aya, say = walk.aya, walk.say
    with step("Visit the Zoom App Marketplace: Go to CalSync on Zoom Marketplace."):
        walk.follow_guide("#add li:nth-child(1)")
        expect(aya).to_have_url(walk.at_zoom("/marketplace"))
        expect(aya.get_by_role("heading", level=1)).to_have_text("CalSync")
    with step('Click "Add": Click the Add button on the CalSync app page.'):
        aya.get_by_role("link", name="Add", exact=True).click()
    with step(
        "Authorize the app: You will be redirected to Zoom's authorization page. Review the requested permissions and click Allow."
    ):
        expect(aya).to_have_url(walk.at_zoom("/oauth/authorize"))
        asked = aya.locator(".permissions code").all_inner_texts()
        assert sorted(asked) == ["meeting:read:meeting", "meeting:write:meeting"]
        aya.get_by_role("button", name="Allow").click()
    with step(
        "Return to CalSync: After authorization, you will be redirected back to CalSync's Settings page. You will see a confirmation that Zoom is connected."
    ):
        expect(aya).to_have_url(f"{walk.stack.base}/settings/integrations")
        expect(aya.get_by_role("heading", level=1)).to_have_text(say("Settings"))
        expect(aya.get_by_role("status")).to_have_text(say("Zoom is connected."))
    with step(
        "Start using Zoom integration: When creating a booking page, enable the Auto-create Zoom meeting option. CalSync will automatically generate a Zoom meeting link for each booking."
    ):
        walk.follow_guide("#add li:nth-child(5)")
        people.name_page(aya, f"{walk.handle}-first", walk.title, say)
        aya.get_by_label(say("Auto-create Zoom meeting")).check()
        walk.press("Create the page")
        walk.client_books(f"{walk.handle}-first")
        walk.client_gets_link()


def use(walk: Walk) -> None:
    aya, ken, say = walk.aya, walk.ken, walk.say
    with step(
        "Create a booking page: Go to Dashboard > New Booking Page and fill in your availability settings."
    ):
        walk.go("Dashboard")
        aya.get_by_role("link", name=say("New Booking Page")).click()
        people.name_page(aya, walk.handle, walk.second_title, say)
        aya.locator("#day-0 input[type=time]").first.fill("10:00")
    with step(
        "Enable Zoom meetings: In the booking page settings, toggle Auto-create Zoom meeting to ON."
    ):
        toggle = aya.get_by_label(say("Auto-create Zoom meeting"))
        toggle.uncheck()
        toggle.check()
        walk.press("Create the page")
        expect(aya.get_by_role("status")).to_have_text(say("The page is live. Share its link."))
        expect(toggle).to_be_checked()
        expect(aya.locator("#day-0 input[type=time]").first).to_have_value("10:00")
    with step(
        "Share your booking link: Copy your booking page URL (e.g., https://calsync.site/b/your-slug) and share it with your clients."
    ):
        aya.get_by_role("button", name=say("Copy")).click()
        expect(aya.get_by_role("button", name=say("Copied"))).to_be_visible()
        shared = aya.evaluate("navigator.clipboard.readText()")
        assert shared == f"{walk.stack.base}/b/{walk.handle}"
        ken.goto(shared)
        expect(ken.get_by_role("heading", level=1)).to_have_text(walk.second_title)
    with step(
        "Automatic meeting creation: When a client books a time slot, CalSync automatically creates a Zoom meeting and sends the meeting link to both you and your client via email."
    ):
        client = walk.client_books(walk.handle)
        link = walk.client_gets_link()
        wait_until(lambda: mails_with(walk, client, link), "the client's mail")
        wait_until(lambda: mails_with(walk, walk.host_email, link), "the host's mail")
    with step("Manage bookings: View all your bookings in the Bookings section of your dashboard."):
        walk.go("Dashboard", "Bookings")
        rows = aya.locator("ul.bookings li")
        expect(rows).to_have_count(len(walk.booked))
        for row in rows.all():
            expect(row).to_contain_text(walk.client_name)
            expect(row).to_contain_text(say("Meeting ready"))
    with step(
        "Once Zoom is connected, CalSync can automatically create Zoom meeting links for your appointments:"
    ):
        assert len(walk.links) == len(walk.booked) == 2


def check_permissions(walk: Walk) -> None:
    aya, say = walk.aya, walk.say
    walk.go("Settings")
    granted = aya.locator("#zoom code")
    with step("meeting:write:meeting"):
        expect(granted.get_by_text("meeting:write:meeting", exact=True)).to_be_visible()
    with step("meeting:read:meeting"):
        expect(granted.get_by_text("meeting:read:meeting", exact=True)).to_be_visible()
    with step("Create Zoom meetings automatically when a booking is confirmed"):
        assert walk.meetings_at_zoom() == len(walk.booked)
    with step("Read meeting details to display in the CalSync dashboard"):
        walk.go("Dashboard", "Bookings")
        aya.locator("ul.bookings a.cover").first.click()
        expect(aya.locator("#live")).to_contain_text(say("not started yet"))
        expect(aya.locator("#live")).to_contain_text(say("Time in Zoom"))


def remove_in_calsync(walk: Walk) -> None:
    aya, say = walk.aya, walk.say
    with step("Log in to CalSync and go to Settings."):
        aya.get_by_role("button", name=say("Sign out")).click()
        people.sign_in(aya, walk.handle, say)
        walk.go("Settings")
        expect(aya.get_by_role("heading", level=1)).to_have_text(say("Settings"))
    with step("Under the Zoom Integration section, click Disconnect Zoom."):
        section = aya.locator("section").filter(
            has=aya.get_by_role("heading", name=say("Zoom Integration"))
        )
        expect(section).to_contain_text(say("Connected"))
        section.get_by_role("button", name=say("Disconnect Zoom")).click()
    with step("Your Zoom account will be disconnected from CalSync immediately."):
        expect(aya.get_by_role("status")).to_contain_text(
            say("Zoom is disconnected. Existing meeting links stay valid.")
        )
        assert walk.kept_tokens() == []
        expect(section).to_contain_text(say("Not connected"))
        walk.expect_installed(False)


def remove_at_zoom(walk: Walk) -> None:
    aya, say = walk.aya, walk.say
    with step(
        "Log in to your Zoom account and go to Zoom App Marketplace > Manage > Installed Apps."
    ):
        walk.follow_guide("#remove-in-zoom + ol li:nth-child(1)")
        aya.get_by_role("link", name="Manage").click()
        expect(aya.get_by_role("heading", level=1)).to_have_text("Installed apps")
    with step("Find CalSync in the list of installed apps."):
        app = aya.locator(".sheet").filter(has_text="CalSync")
        expect(app).to_have_count(1)
    with step("Click Remove to uninstall the app."):
        app.get_by_role("link", name="Remove").click()
        expect(aya.get_by_role("heading", level=1)).to_have_text("Remove CalSync?")
        assert len(walk.kept_tokens()) == 2
    with step("Confirm the removal when prompted."):
        aya.get_by_role("button", name="Remove").click()
        walk.expect_installed(False)
    with step(
        "Your Zoom access token stored in CalSync is deleted immediately upon de-authorization."
    ):
        wait_until(lambda: walk.kept_tokens() == [], "the end of the tokens")
    with step(
        "You can remove CalSync from your Zoom account at any time using either of these methods:"
    ):
        aya.goto("/settings/integrations")
        expect(aya.locator("#zoom")).to_contain_text(say("Not connected"))
        expect(aya.get_by_role("button", name=say("Disconnect Zoom"))).to_have_count(0)


def expect_no_new_meetings(walk: Walk) -> None:
    with step(
        "After removal, CalSync will no longer be able to create Zoom meetings. Existing meeting links will remain valid but no new meetings will be created automatically."
    ):
        for link in walk.links:
            walk.opens_meeting(link)
        before = walk.meetings_at_zoom()
        client = walk.client_books(walk.handle)
        (mail,) = walk.stack.wait_for_mails(client, 1)
        assert "/j/" not in mail["text"]
        walk.ken.reload()
        expect(walk.ken.locator("#meeting")).to_contain_text(
            walk.say("The Zoom link will follow by email.")
        )
        assert walk.meetings_at_zoom() == before


def data_after_removal(walk: Walk) -> None:
    aya, say = walk.aya, walk.say
    with step("CalSync immediately loses the ability to create new Zoom meetings on your behalf."):
        walk.go("Dashboard", "Bookings")
        aya.get_by_role("searchbox").fill(walk.booked[-1])
        walk.press("Search")
        expect(aya.locator("ul.bookings li")).to_have_count(1)
        expect(aya.locator("ul.bookings li")).to_contain_text(say("No meeting"))
    with step(
        "Existing Zoom meeting links that were already created remain valid (they are managed by Zoom, not CalSync)."
    ):
        assert len(walk.links) == 2
        for link in walk.links:
            assert link.startswith(f"{walk.stack.sandbox}/j/")
            walk.opens_meeting(link)
    with step(
        "Your CalSync account and booking data are retained unless you explicitly request account deletion."
    ):
        aya.get_by_role("button", name=say("Sign out")).click()
        people.sign_in(aya, walk.handle, say)
        walk.go("Bookings")
        expect(aya.locator("ul.bookings li")).to_have_count(len(walk.booked))


def test_every_sentence_of_the_guide_is_a_step() -> None:
    steps = "".join(
        (Path(__file__).parent / name).read_text(encoding="utf-8")
        for name in ("test_published_guide.py", "guide_troubles.py")
    )
    assert [line for line in PUBLISHED if line not in TITLES and line not in steps] == []
