"""Every part of a page that asks for itself, when it asks in vain: one message, and nothing else."""

import re
from collections.abc import Callable, Iterator

import pytest
from flask import Flask, abort
from playwright.sync_api import Browser, Locator, Page, Route, expect

from app import create_app
from app.core.config import load_settings
from tests.conftest import test_environment
from tests.journey.people import Host, book
from tests.support.stack import Stack
from tests.support.visitor import OverHttp, Visitor

OpenBrowser = Callable[..., Page]
STATUSES = (400, 403, 404, 429, 500, 503)
CONTROLS = "[hx-get], [hx-post]"
# By its own kind of event: a press, a change, a form that is sent, a part that asks by itself.
TRIGGER = """(control) => {
  const event = control.getAttribute("hx-trigger")?.split(" ")[0]
    ?? (control.matches("form") ? "submit" : "click");
  if (event === "click") control.click();
  else if (event === "submit") control.requestSubmit();
  else htmx.trigger(control, event);
}"""
# The page without the place for messages, and without what a request leaves on an element.
REST = """() => {
  const copy = document.body.cloneNode(true);
  copy.querySelector("#message").replaceChildren();
  return [location.href, copy.innerText.replace(/\\s+/g, " "), copy.querySelectorAll("main").length];
}"""
Answer = tuple[int, dict[str, str], str]


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Answer]:
    """What the app answers htmx with, for each status."""
    app: Flask = create_app(load_settings(test_environment(tmp_path_factory.mktemp("failing"))))
    app.add_url_rule("/fail/<int:status>", "fail", abort)
    client = app.test_client()

    def ask(status: int) -> Answer:
        headers = {"HX-Request": "true", "Accept-Language": "en"}
        answer = client.get(f"/fail/{status}", headers=headers, base_url="http://127.0.0.1")
        return answer.status_code, dict(answer.headers), answer.text

    return {status: ask(status) for status in STATUSES}


@pytest.fixture
def addresses(aya: Host) -> dict[str, str]:
    """Every page with parts that ask, and a booking with its meeting."""
    aya.connect_zoom()
    edit = aya.make_page(aya.handle, auto_zoom="y").path
    ken = Visitor(OverHttp(aya.stack.base))
    book(ken, aya.handle, name="Ken Yamada", email=f"ken-{aya.handle}@client.example")
    aya.stack.wait_for_mails(aya.email, 1)
    booking = str(aya.bookings().one("ul.bookings a.cover")["href"])
    return {
        "public": f"/b/{aya.handle}",
        "pages": "/dashboard/pages",
        "new page": "/dashboard/pages/new",
        "edit page": edit,
        "preview": f"{edit}/preview",
        "bookings": "/dashboard/bookings",
        "booking": booking,
        "integrations": "/settings/integrations",
    }


def one_of_each_kind(page: Page) -> Iterator[Locator]:
    """The controls of a page, one for each way in which they ask."""
    seen = set()
    for control in page.locator(CONTROLS).all():
        names = ("hx-target", "hx-swap", "hx-trigger", "data-then")
        kind = (control.evaluate("(c) => c.tagName"), *map(control.get_attribute, names))
        if kind not in seen and control.is_visible():
            seen.add(kind)
            yield control


def open_whole(page: Page, address: str) -> None:
    """Go there, and wait until the parts that ask by themselves have come."""
    page.goto(address)
    expect(page.locator("[hx-trigger=load], .htmx-request")).to_have_count(0)


def fail_with(page: Page, answer: Answer) -> None:
    def fulfil(route: Route) -> None:
        if route.request.headers.get("hx-request"):
            route.fulfill(status=answer[0], headers=answer[1], body=answer[2])
        else:
            route.continue_()

    page.unroute_all()
    page.route("**/*", fulfil)


def test_a_part_that_fails_leaves_a_message_and_the_page_as_it_was(
    open_browser: OpenBrowser,
    aya: Host,
    addresses: dict[str, str],
    answers: dict[int, Answer],
    expected_failures: set[int],
) -> None:
    expected_failures.update(STATUSES)
    page = open_browser(host=aya)
    message = page.locator("#message")
    tried = 0
    for name, address in addresses.items():
        open_whole(page, address)
        for control in one_of_each_kind(page):
            before = page.evaluate(REST)
            for answer in answers.values():
                fail_with(page, answer)
                with page.expect_response(lambda response: response.status >= 400):
                    control.evaluate(TRIGGER)
                title = re.search("<strong>(.*)</strong>", answer[2])
                assert title is not None
                expect(message, name).to_contain_text(title[1])
                expect(message.locator("*")).to_have_count(3)
                assert page.evaluate(REST) == before, (name, answer[0])
                tried += 1
            page.unroute_all()
            control.evaluate(TRIGGER)
            expect(message, name).to_be_empty()
            open_whole(page, address)
    assert tried >= 12 * len(STATUSES)


def test_an_expired_form_is_told_in_the_same_place(
    open_browser: OpenBrowser, aya: Host, talk: str, expected_failures: set[int]
) -> None:
    expected_failures.add(400)
    page = open_browser(host=aya)
    page.goto("/dashboard/pages")
    page.evaluate("document.querySelector('.pages [name=csrf_token]').value = 'x'")
    page.get_by_role("button", name="turn off").click()
    expect(page.get_by_role("alert")).to_contain_text("This form has expired")
    expect(page.locator("main")).to_have_count(1)


def test_a_proxys_own_error_page_gets_into_no_part(
    open_browser: OpenBrowser, handle: str, talk: str, expected_failures: set[int]
) -> None:
    expected_failures.add(502)
    page = open_browser()
    page.goto(f"/b/{handle}")
    before = page.evaluate(REST)
    fail_with(page, (502, {"Content-Type": "text/html"}, "<html><body><h1>502</h1></body></html>"))
    page.locator("#after").click()
    expect(page.get_by_role("alert")).to_have_text("This did not work. Please try again shortly.")
    assert page.evaluate(REST) == before


@pytest.mark.parametrize(
    ("locale", "words"),
    [("en-GB", "No connection. Try again."), ("ja-JP", "接続できませんでした。")],
)
def test_without_a_connection_the_page_says_so_once_until_it_is_back(
    browser: Browser,
    stack: Stack,
    handle: str,
    talk: str,
    locale: str,
    words: str,
) -> None:
    context = browser.new_context(locale=locale, base_url=stack.base)
    page = context.new_page()
    page.goto(f"/b/{handle}")
    before = page.evaluate(REST)
    page.evaluate(
        """() => {
          window.said = 0;
          const look = new MutationObserver(() => { window.said += 1; });
          look.observe(document.getElementById("message"), {childList: true, subtree: true});
        }"""
    )
    context.set_offline(True)
    for _ in range(3):
        with page.expect_event("requestfailed"):
            page.locator("#after").click()
        expect(page.get_by_role("alert")).to_contain_text(words)
    assert page.evaluate("window.said") == 1
    assert page.evaluate(REST) == before
    context.set_offline(False)
    page.locator("#after").click()
    expect(page.locator("#message")).to_be_empty()
    assert page.evaluate(REST)[0] != before[0]
    context.close()


def test_an_answer_that_takes_too_long_reads_like_no_connection(
    browser: Browser, stack: Stack, handle: str, talk: str
) -> None:
    context = browser.new_context(locale="en-GB", base_url=stack.base)
    page = context.new_page()
    page.goto(f"/b/{handle}")
    assert page.evaluate("htmx.config.defaultTimeout") == 30_000
    page.evaluate("htmx.config.defaultTimeout = 200")
    page.route("**/*", lambda _route: None)
    page.locator("#after").click()
    expect(page.get_by_role("alert")).to_have_text("No connection. Try again.")
    page.unroute_all()
    page.locator("#after").click()
    expect(page.locator("#message")).to_be_empty()
    context.close()


def test_a_part_that_comes_late_does_not_take_the_focus_away(
    open_browser: OpenBrowser, aya: Host, talk: str, expected_failures: set[int]
) -> None:
    expected_failures.add(422)
    page = open_browser(host=aya)
    page.goto(talk)
    page.locator("#duration").fill("1")
    page.locator("#duration").press("Enter")
    expect(page.locator(".summary")).to_be_focused()
    page.get_by_role("button", name="Add a range to Monday").click()
    expect(page.locator("#day-0 .range")).to_have_count(2)
    expect(page.locator("#add-hours-0")).to_be_focused()
