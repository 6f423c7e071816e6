"""The language can be switched on every page, also on one that a form has opened."""

from flask import Flask

from tests.support.cast import make_booking, make_host, make_page, tomorrow, visit_as
from tests.support.visitor import Page, Visitor


def other_language(page: Page) -> Page:
    return page.press("日本語" if page.one("html")["lang"] == "en" else "English")


def test_after_a_diagnosis_the_integrations_come_back_in_the_other_language(app: Flask) -> None:
    aya = visit_as(app, make_host())
    diagnosis = aya.get("/settings/integrations").press("Check the connection")
    assert diagnosis.path == "/settings/integrations/diagnosis"
    japanese = diagnosis.press("日本語")
    assert (japanese.status, japanese.path) == (200, "/settings/integrations")
    assert japanese.one("html")["lang"] == "ja"


def test_every_page_that_a_form_opens_leads_to_one_that_can_be_opened(
    app: Flask, visit: Visitor
) -> None:
    page = make_page(make_host(), slug="talk")
    slot = f"{tomorrow(3):%Y%m%dT%H%M%SZ}"
    faulty = visit.get(f"/b/talk/{slot}?tz=Europe/Berlin").press("Book this time", name="")
    assert faulty.status == 422
    japanese = faulty.press("日本語")
    assert japanese.status == 200
    assert japanese.url.endswith(f"/b/talk/{slot}?tz=Europe%2FBerlin&sent=1")

    make_booking(page, tomorrow(3))
    lost = visit.post(f"/b/talk/{slot}", {"name": "Ken", "email": "ken@example.com"})
    assert lost.status == 422
    assert other_language(lost).status in {200, 409}

    broken = visit.post("/settings/integrations/diagnosis", {})
    assert broken.status == 400
    assert other_language(broken).path == "/login"


def test_a_search_keeps_its_words_when_the_language_changes(app: Flask) -> None:
    aya = visit_as(app, make_host())
    japanese = aya.get("/dashboard/bookings?tab=past&q=Ken&lang=en").press("日本語")
    assert japanese.one("html")["lang"] == "ja"
    assert japanese.one("#q")["value"] == "Ken"
