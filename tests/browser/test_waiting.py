"""Parts that change under a reader's eyes: the focus stays, and only news is read out."""

from collections.abc import Callable

from playwright.sync_api import Page, expect
from sqlalchemy import create_engine, text

from tests.browser import people
from tests.support.stack import Stack

OpenBrowser = Callable[..., Page]
COUNT_NEWS = """() => {
  window.news = 0;
  const live = document.querySelector("#link");
  window.live = live;
  new MutationObserver((changes) => { window.news += changes.length; })
    .observe(live, {childList: true, characterData: true, subtree: true});
}"""


def let_time_pass(stack: Stack, seconds: int) -> None:
    """The bookings were made that much earlier."""
    engine = create_engine(stack.database_url)
    with engine.begin() as connection:
        connection.execute(
            text(
                "UPDATE bookings SET created_at ="
                f" strftime('%Y-%m-%d %H:%M:%S.000000', created_at, '-{seconds} seconds')"
            )
        )
    engine.dispose()


def let_it_start_in(stack: Stack, seconds: int) -> None:
    """The latest booking is in so many seconds, half an hour long."""
    engine = create_engine(stack.database_url)
    start, end = (
        f"strftime('%Y-%m-%d %H:%M:%S.000000', 'now', '+{after} seconds')"
        for after in (seconds, seconds + 1800)
    )
    with engine.begin() as connection:
        latest = "(SELECT max(id) FROM bookings)"
        connection.execute(
            text(f"UPDATE bookings SET starts_at = {start}, ends_at = {end} WHERE id = {latest}")
        )
    engine.dispose()


def wait_for_asking(page: Page, times: int) -> None:
    for _ in range(times):
        page.wait_for_event("response", lambda answer: answer.url.endswith("/meeting"))
    page.wait_for_timeout(100)


def test_waiting_for_the_link_keeps_the_focus_and_repeats_nothing(
    stack: Stack, open_browser: OpenBrowser, handle: str
) -> None:
    aya = open_browser(handle)
    people.sign_up(aya, handle)
    people.connect_zoom(aya)
    people.make_page(aya, handle)
    stack.fault("429-second", 40)
    ken = open_browser()
    people.book(ken, handle, f"ken-{handle}@client.example")
    expect(ken.get_by_text("Creating your Zoom meeting…")).to_be_visible()
    ken.evaluate(COUNT_NEWS)
    ken.get_by_role("link", name="Outlook").focus()
    wait_for_asking(ken, 2)
    expect(ken.get_by_role("link", name="Outlook")).to_be_focused()
    assert ken.evaluate("window.news") == 0

    let_time_pass(stack, 20)
    expect(ken.get_by_text("Zoom is slow just now")).to_be_visible()
    expect(ken.locator("#meeting")).to_have_attribute("hx-trigger", "every 10s")
    asked: list[str] = []
    ken.on("request", lambda request: asked.append(request.url))
    ken.wait_for_timeout(5_000)
    assert [url for url in asked if url.endswith("/meeting")] == []

    stack.clear_faults()
    join = ken.get_by_role("link", name="Join the Zoom meeting")
    expect(join).to_be_visible(timeout=40_000)
    expect(ken.get_by_role("link", name="Outlook")).to_be_focused()
    assert ken.evaluate("window.live === document.querySelector('#link')")


def test_a_page_left_open_turns_into_soon_by_itself(
    stack: Stack, open_browser: OpenBrowser, handle: str
) -> None:
    aya = open_browser()
    people.sign_up(aya, handle)
    people.make_page(aya, handle, auto_zoom=False)
    for has_script in (True, False):
        ken = open_browser(java_script_enabled=has_script)
        people.book(ken, handle, f"ken-{has_script}-{handle}@client.example")
        let_it_start_in(stack, 15 * 60 + 4)
        ken.reload()
        expect(ken.get_by_role("heading", name="You’re booked")).to_be_visible()
        ken.get_by_role("link", name="Outlook").focus()
        expect(ken.get_by_role("heading", name="Your meeting starts soon")).to_be_visible(
            timeout=15_000
        )
        expect(ken).to_have_title("Your meeting starts soon – CalSync")
        if has_script:
            expect(ken.get_by_role("link", name="Outlook")).to_be_focused()


def test_the_arrows_of_the_month_keep_the_focus_and_are_no_part_of_its_name(
    open_browser: OpenBrowser, handle: str
) -> None:
    aya = open_browser()
    people.sign_up(aya, handle)
    people.make_page(aya, handle, auto_zoom=False)
    for has_script in (True, False):
        ken = open_browser(java_script_enabled=has_script)
        ken.goto(f"/b/{handle}")
        month = ken.locator("#month").inner_text()
        expect(ken.get_by_role("table", name=month, exact=True)).to_be_visible()
        expect(ken.locator("#before")).to_have_attribute("aria-disabled", "true")
    ken = open_browser()
    ken.goto(f"/b/{handle}")
    for _ in range(4):
        if ken.locator("#after").get_attribute("aria-disabled"):
            break
        before = ken.locator("#month").inner_text()
        ken.locator("#after").focus()
        ken.keyboard.press("Enter")
        expect(ken.locator("#month")).not_to_have_text(before)
        expect(ken.locator("#after")).to_be_focused()
    expect(ken.get_by_role("link", name="No later month")).to_be_focused()
    ken.keyboard.press("Enter")  # does nothing, and breaks nothing
    ken.keyboard.press("Shift+Tab")
    expect(ken.locator("#before")).to_be_focused()


def test_copied_is_said_as_well_as_shown(open_browser: OpenBrowser, handle: str) -> None:
    page = open_browser(permissions=["clipboard-read", "clipboard-write"])
    people.sign_up(page, handle)
    people.make_page(page, handle, auto_zoom=False)
    page.goto("/dashboard")
    said = page.locator("#said")
    expect(said).to_have_attribute("aria-live", "polite")
    expect(said).to_be_empty()
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("status")).to_have_text("Copied")
    expect(said).to_be_empty()
