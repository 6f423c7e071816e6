"""Parts that change under a reader's eyes: the focus stays, and only news is read out."""

from collections.abc import Callable

from playwright.sync_api import Page, expect
from sqlalchemy import create_engine, text

from tests.journey.people import Host, book, wait_for_link
from tests.support.stack import Stack
from tests.support.visitor import OverHttp, Visitor

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


def let_browser_wait(page: Page, seconds: int) -> None:
    """By its own clock, which runs ahead; what it asks for meanwhile has been sent."""
    page.clock.run_for(seconds * 1000)
    with page.expect_request("**/healthz"):
        page.evaluate("() => { fetch('/healthz'); }")


def test_waiting_for_the_link_keeps_the_focus_and_repeats_nothing(
    stack: Stack, open_browser: OpenBrowser, aya: Host
) -> None:
    aya.connect_zoom()
    aya.make_page(aya.handle, auto_zoom="y")
    stack.fault("429-second", 100)
    client = Visitor(OverHttp(stack.base))
    booked = book(client, aya.handle, name="Ken Yamada", email=f"ken-{aya.handle}@client.example")
    ken = open_browser()
    ken.clock.install()
    ken.goto(booked.url)
    expect(ken.get_by_text("Creating your Zoom meeting…")).to_be_visible()
    ken.evaluate(COUNT_NEWS)
    ken.get_by_role("link", name="Outlook").focus()
    for _ in range(2):
        with ken.expect_response("**/meeting"):
            let_browser_wait(ken, 2)
        ken.wait_for_timeout(100)
    expect(ken.get_by_role("link", name="Outlook")).to_be_focused()
    assert ken.evaluate("window.news") == 0

    let_time_pass(stack, 20)
    let_browser_wait(ken, 2)
    expect(ken.get_by_text("Zoom is slow just now")).to_be_visible()
    expect(ken.locator("#meeting")).to_have_attribute("hx-trigger", "every 10s")
    asked: list[str] = []
    ken.on("request", lambda request: asked.append(request.url))
    let_browser_wait(ken, 5)
    assert [url for url in asked if url.endswith("/meeting")] == []

    stack.clear_faults()
    wait_for_link(booked)
    let_browser_wait(ken, 5)
    join = ken.get_by_role("link", name="Join the Zoom meeting")
    expect(join).to_be_visible()
    expect(ken.get_by_role("link", name="Outlook")).to_be_focused()
    assert ken.evaluate("window.live === document.querySelector('#link')")


def test_a_page_left_open_turns_into_soon_by_itself(
    stack: Stack, open_browser: OpenBrowser, aya: Host
) -> None:
    aya.make_page(aya.handle)
    for has_script in (True, False):
        email = f"ken-{has_script}-{aya.handle}@client.example"
        booked = book(Visitor(OverHttp(stack.base)), aya.handle, name="Ken Yamada", email=email)
        let_it_start_in(stack, 15 * 60 + 4)
        ken = open_browser(java_script_enabled=has_script)
        ken.goto(booked.url)
        expect(ken.get_by_role("heading", name="You’re booked")).to_be_visible()
        ken.get_by_role("link", name="Outlook").focus()
        expect(ken.get_by_role("heading", name="Your meeting starts soon")).to_be_visible(
            timeout=15_000
        )
        expect(ken).to_have_title("Your meeting starts soon – CalSync")
        if has_script:
            expect(ken.get_by_role("link", name="Outlook")).to_be_focused()


def test_the_arrows_of_the_month_keep_the_focus_and_are_no_part_of_its_name(
    open_browser: OpenBrowser, handle: str, talk: str
) -> None:
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


def test_copied_is_said_as_well_as_shown(open_browser: OpenBrowser, aya: Host, talk: str) -> None:
    page = open_browser(host=aya, permissions=["clipboard-read", "clipboard-write"])
    page.goto("/dashboard")
    said = page.locator("#said")
    expect(said).to_have_attribute("aria-live", "polite")
    expect(said).to_be_empty()
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("status")).to_have_text("Copied")
    expect(said).to_be_empty()
