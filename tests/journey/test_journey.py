"""From sign-up to a Zoom link in two mailboxes, on real processes and without JavaScript."""

from collections.abc import Callable

import requests
from icalendar import Calendar

from tests.journey.people import Host, book, choose_time, wait_for_link
from tests.support.services import wait_until
from tests.support.stack import Stack
from tests.support.visitor import OverHttp, Visitor

NewHost = Callable[..., Host]


def only_event(mail: dict) -> dict:
    """The invitation of a mail, which stands there twice, byte for byte the same."""
    bodies = {calendar["body"] for calendar in mail["calendars"]}
    assert len(mail["calendars"]) == 2
    assert len(bodies) == 1
    (event,) = Calendar.from_ical(bodies.pop()).walk("VEVENT")
    return event


def test_a_booking_becomes_a_meeting_and_both_get_its_link(
    stack: Stack, new_host: NewHost, ken: Visitor
) -> None:
    aya = new_host()
    connected = aya.connect_zoom()
    assert connected.path == "/settings/integrations"
    assert "Zoom is connected." in connected.text

    made = aya.make_page(f"{aya.handle}-talk", title="First talk", auto_zoom="y")
    assert "The page is live" in made.text
    assert made.one("#link-" + made.path.rpartition("/")[2])["value"].endswith(
        f"/b/{aya.handle}-talk"
    )

    email = f"ken-{aya.handle}@client.example"
    booked = book(ken, f"{aya.handle}-talk", name="Ken Yamada", email=email, note="Hello")
    assert "You’re booked" in booked.text
    link = wait_for_link(booked)
    assert requests.get(link, timeout=10).ok

    (to_ken,) = stack.wait_for_mails(email, 1)
    (to_aya,) = stack.wait_for_mails(aya.email, 1)
    for mail in (to_ken, to_aya):
        assert link in mail["text"]
        assert link in mail["html"]
        assert {calendar["method"] for calendar in mail["calendars"]} == {"REQUEST"}
        join = str(only_event(mail)["location"])
        assert join.startswith(f"{stack.base}/join/")
        assert join in mail["text"]
        assert link in str(only_event(mail)["description"])
    assert only_event(to_ken)["uid"] == only_event(to_aya)["uid"]
    assert booked.url in to_ken["text"]

    rows = aya.bookings()
    row = rows.one("ul.bookings li")
    words = " ".join(row.get_text(" ").split())
    assert "Ken Yamada" in words
    assert "Meeting ready" in words
    assert "Emails sent" in words
    assert link in [anchor["href"] for anchor in row.select("a")]
    shown = rows.follow("Ken Yamada")
    assert "First talk" in shown.text
    assert "Hello" in shown.text


def test_the_client_cancels_and_both_are_told(
    stack: Stack, new_host: NewHost, ken: Visitor
) -> None:
    aya = new_host()
    aya.connect_zoom()
    slug = f"{aya.handle}-cancel"
    aya.make_page(slug, auto_zoom="y")
    email = f"ken-{aya.handle}@client.example"
    booked = book(ken, slug, name="Ken Yamada", email=email)
    wait_for_link(booked)
    (invited,) = stack.wait_for_mails(email, 1)
    stack.wait_for_mails(aya.email, 1)

    asked = booked.follow("Cancel booking")
    assert "Cancel this booking?" in asked.text
    cancelled = asked.press("Cancel booking")
    assert "This booking is cancelled" in cancelled.text

    mails = [stack.wait_for_mails(address, 2)[0] for address in (email, aya.email)]
    for mail in mails:
        assert {calendar["method"] for calendar in mail["calendars"]} == {"CANCEL"}
        event = only_event(mail)
        assert event["status"] == "CANCELLED"
        assert event["uid"] == only_event(invited)["uid"]
        assert event["sequence"] > only_event(invited)["sequence"]
    assert "Ken Yamada" not in aya.bookings().text
    assert "Ken Yamada" in aya.bookings("cancelled").text
    # The very same time is offered again.
    assert choose_time(ken, slug).status == 200


def test_a_taken_time_keeps_the_details_and_offers_others(
    stack: Stack, new_host: NewHost, ken: Visitor
) -> None:
    aya = new_host()
    slug = f"{aya.handle}-race"
    aya.make_page(slug)
    lena = Visitor(OverHttp(stack.base))
    first, second = choose_time(ken, slug), choose_time(lena, slug)
    assert first.url == second.url
    first.press("Book this time", name="Ken Yamada", email="ken@client.example")
    lost = second.press("Book this time", name="Lena Fischer", email="lena@client.example")
    assert lost.status == 409
    assert "This time is no longer available" in lost.text
    assert lost.one("input[name=name]")["value"] == "Lena Fischer"
    button = lost.all("button.time")[-1].get_text(" ", strip=True)
    # The details are looked at once more, and only then is anything booked.
    again = lost.press(button)
    assert again.one("input[name=name]")["value"] == "Lena Fischer"
    booked = again.press("Book this time")
    assert "You’re booked" in booked.text


def test_a_double_press_and_a_reload_give_one_booking(
    stack: Stack, new_host: NewHost, ken: Visitor
) -> None:
    aya = new_host()
    slug = f"{aya.handle}-twice"
    aya.make_page(slug)
    form = choose_time(ken, slug)
    pages = [
        form.press("Book this time", name="Ken Yamada", email="ken@client.example")
        for _ in range(3)
    ]
    assert len({page.url for page in pages}) == 1
    assert len(aya.bookings().all("ul.bookings li")) == 1


def test_without_zoom_the_booking_stands_and_the_link_follows_once_connected(
    stack: Stack, new_host: NewHost, ken: Visitor
) -> None:
    aya = new_host()
    slug = f"{aya.handle}-later"
    made = aya.make_page(slug, auto_zoom="y")
    assert "Zoom is not connected yet" in made.text
    email = f"ken-{aya.handle}@client.example"
    booked = book(ken, slug, name="Ken Yamada", email=email)
    (first,) = stack.wait_for_mails(email, 1)
    assert "/j/" not in first["text"]
    assert "will follow" in first["text"]
    assert "will follow" in ken.get(booked.url).text
    assert "Zoom is not connected" in aya.visitor.get("/dashboard").text

    aya.connect_zoom()
    link = wait_for_link(booked)
    for address in (email, aya.email):
        update = stack.wait_for_mails(address, 2)[0]
        assert link in update["text"]
        assert only_event(update)["uid"] == only_event(first)["uid"]
        assert only_event(update)["sequence"] > only_event(first)["sequence"]


def test_a_zoom_that_is_ill_for_a_while_loses_nothing(
    stack: Stack, new_host: NewHost, ken: Visitor
) -> None:
    aya = new_host()
    aya.connect_zoom()
    slug = f"{aya.handle}-ill"
    aya.make_page(slug, auto_zoom="y")
    stack.fault("500")
    email = f"ken-{aya.handle}@client.example"
    booked = book(ken, slug, name="Ken Yamada", email=email)
    assert "Creating your Zoom meeting" in booked.text
    assert booked.all('noscript meta[http-equiv="refresh"]')
    link = wait_for_link(booked)

    def told() -> bool:
        return any(link in mail["text"] for mail in stack.mails(email))

    wait_until(told, "the link by mail")


def test_disconnecting_ends_meetings_but_not_links(
    stack: Stack, new_host: NewHost, ken: Visitor
) -> None:
    aya = new_host()
    aya.connect_zoom()
    slug = f"{aya.handle}-gone"
    aya.make_page(slug, auto_zoom="y")
    booked = book(ken, slug, name="Ken Yamada", email="ken@client.example")
    link = wait_for_link(booked)
    page = aya.visitor.get("/settings/integrations").press("Disconnect Zoom")
    assert "Zoom is disconnected" in page.text
    assert not page.all('form[action="/zoom/disconnect"]')
    assert link in str(ken.get(booked.url).soup)
    assert requests.get(link, timeout=10).ok


def test_everything_speaks_japanese_to_those_who_do(stack: Stack, new_host: NewHost) -> None:
    aya = new_host("Hana Sato", "ja")
    slug = f"{aya.handle}-ja"
    page = aya.visitor.get("/dashboard/pages/new")
    button = page.all("main form button.main")[0].get_text(" ", strip=True)
    page.press(button, title="オンライン面談", slug=slug, notice=0)
    hana = Visitor(OverHttp(stack.base, {"Accept-Language": "ja"}))
    form = choose_time(hana, slug)
    assert form.one("html")["lang"] == "ja"
    button = form.all("main form button.main")[0].get_text(" ", strip=True)
    email = f"hana-{aya.handle}@client.example"
    booked = form.press(button, name="鈴木 花", email=email)
    assert booked.one("html")["lang"] == "ja"
    (mail,) = stack.wait_for_mails(email, 1)
    assert "鈴木 花" in mail["text"]
    assert "日本時間" in mail["text"]
