"""Adding, removing and adding again, through the stand-in Marketplace, on real processes."""

from collections.abc import Callable

import requests

from tests.journey.people import PASSWORD, Host, book, wait_for_link
from tests.support.services import wait_until
from tests.support.stack import Stack
from tests.support.visitor import Page, Visitor

NewHost = Callable[..., Host]


def remove_at_zoom(host: Host) -> Page:
    """Method B of the guide: Manage > Installed Apps > Remove, and confirm."""
    installed = host.visitor.get(f"{host.stack.sandbox}/marketplace/installed")
    return installed.follow("Remove").press("Remove")


def is_connected(host: Host) -> bool:
    page = host.visitor.get("/settings/integrations")
    return bool(page.all('form[action="/zoom/disconnect"]'))


def removals(stack: Stack) -> list[dict]:
    found = requests.get(f"{stack.sandbox}/api/webhooks", timeout=10).json()
    return [event for event in found if event["event"] == "app_deauthorized"]


def test_removing_calsync_at_zoom_ends_the_connection_and_keeps_the_rest(
    stack: Stack, new_host: NewHost, ken: Visitor
) -> None:
    aya = new_host()
    aya.connect_zoom()
    slug = f"{aya.handle}-removed"
    aya.make_page(slug, auto_zoom="y")
    booked = book(ken, slug, name="Ken Yamada", email="ken@client.example")
    link = wait_for_link(booked)

    remove_at_zoom(aya)
    wait_until(lambda: not is_connected(aya), "the end of the connection")
    wait_until(lambda: removals(stack)[0]["state"] == "accepted", "the event to be accepted")

    assert "Zoom is not connected" in aya.visitor.get("/dashboard").text
    assert "Ken Yamada" in aya.bookings().text
    assert link in str(ken.get(booked.url).soup)
    assert requests.get(link, timeout=10).ok

    later = book(ken, slug, name="Lena Fischer", email=f"lena-{aya.handle}@client.example")
    assert "You’re booked" in later.text
    (mail,) = stack.wait_for_mails(f"lena-{aya.handle}@client.example", 1)
    assert "/j/" not in mail["text"]

    aya.connect_zoom()
    assert is_connected(aya)
    assert wait_for_link(later) != link


def test_disconnecting_removes_calsync_at_zoom_and_adding_again_works_at_once(
    stack: Stack, new_host: NewHost, ken: Visitor
) -> None:
    aya = new_host()
    aya.connect_zoom()
    told = len(removals(stack))
    page = aya.visitor.get("/settings/integrations").press("Disconnect Zoom")
    assert "did not confirm" not in page.text
    assert not is_connected(aya)
    assert "Zoom is connected." in aya.connect_zoom().text
    # Zoom tells us of our own disconnection; the new connection is younger, and stays.
    wait_until(lambda: len(removals(stack)) > told, "the echo")
    wait_until(lambda: removals(stack)[0]["state"] == "accepted", "the echo to be accepted")
    assert is_connected(aya)
    slug = f"{aya.handle}-again"
    aya.make_page(slug, auto_zoom="y")
    wait_for_link(book(ken, slug, name="Ken Yamada", email="ken@client.example"))


def test_a_newcomer_from_the_marketplace_finishes_in_three_steps(
    stack: Stack, new_host: NewHost
) -> None:
    """Zoom sends a code without a state of ours: it is not used, whoever's it is."""
    aya = new_host()
    aya.visitor.get("/dashboard").form_to("/logout").send()
    market = aya.visitor.get(f"{stack.sandbox}/marketplace")
    [stateless] = [
        str(link["href"]) for link in market.all("a[href]")
        if "/oauth/authorize" in str(link["href"])
    ]  # fmt: skip
    arrived = aya.visitor.get(stack.sandbox + stateless).press("Allow")
    assert arrived.one("h1").get_text(strip=True) == "Finish connecting Zoom"
    door = arrived.follow("Connect Zoom")
    consent = door.press("Sign in", email=aya.email, password=PASSWORD)
    assert consent.url.startswith(stack.sandbox)
    done = consent.press("Allow")
    assert done.path == "/settings/integrations"
    assert "Zoom is connected." in done.text


def test_declining_at_zoom_connects_nothing(stack: Stack, new_host: NewHost) -> None:
    aya = new_host()
    consent = aya.visitor.get("/settings/integrations").open('a[href="/zoom/connect"]')
    page = consent.press("Decline")
    assert page.path == "/settings/integrations"
    assert "the permissions were declined" in page.text
    assert not is_connected(aya)


def test_a_second_host_cannot_take_the_zoom_user_of_the_first(
    stack: Stack, new_host: NewHost
) -> None:
    aya, mallory = new_host(), new_host("Mallory Malone")
    aya.connect_zoom()
    mallory.visitor.transport.session.cookies.set(
        "sandbox_zoom_user", aya.handle, domain="127.0.0.1"
    )
    page = mallory.connect_zoom()
    assert "already connected to another CalSync account" in page.text
    assert not is_connected(mallory)
    # Zoom lets only the last authorization live, so Aya's is found dead, and she is told.
    (mail,) = stack.wait_for_mails(aya.email, 1)
    assert "Please reconnect Zoom" in mail["subject"]
    assert "Zoom has ended the connection." in aya.visitor.get("/dashboard").text
    assert "Zoom is connected." in aya.connect_zoom().text


def test_zoom_finds_the_webhook_address_valid(stack: Stack) -> None:
    verdict = requests.post(f"{stack.sandbox}/api/url-validation", timeout=10).json()
    assert verdict["valid"], verdict
