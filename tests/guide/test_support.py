"""The support page, and Zoom's check of the domain: what the operator has set, and nothing else."""

from collections.abc import Callable

import pytest
from flask import Flask

from app.core.config import Settings
from tests.support.visitor import InProcess, Visitor

Change = Callable[..., Settings]


def terms_of(app: Flask, language: str) -> dict[str, str]:
    page = Visitor(InProcess(app, {"Accept-Language": language})).get("/support")
    names, values = page.all("dt"), page.all("dd")
    return {name.get_text(): value.get_text() for name, value in zip(names, values, strict=True)}


def test_what_is_not_set_is_not_promised(app: Flask) -> None:
    assert terms_of(app, "en") == {"Email": "support@calsync.site", "Company": "株式会社国際資源"}


def test_hours_and_response_time_are_shown_as_they_were_set(
    app: Flask, change_settings: Change
) -> None:
    change_settings(
        support_hours="Weekdays 10:00–17:00 | 平日10:00〜17:00", support_response_time="48 h"
    )
    english, japanese = terms_of(app, "en"), terms_of(app, "ja")
    assert english["Hours"] == "Weekdays 10:00–17:00"
    assert japanese["受付時間"] == "平日10:00〜17:00"
    assert english["Response time"] == japanese["初回のご返信"] == "48 h"


def test_a_text_is_no_markup(app: Flask, change_settings: Change) -> None:
    change_settings(support_hours="<b>always</b>")
    assert terms_of(app, "ja")["受付時間"] == "<b>always</b>"


def test_zoom_finds_the_code_alone(app: Flask, change_settings: Change) -> None:
    change_settings(zoom_verification="628adf0a608e430cb1b9c9b34b2e8cb2")
    answer = InProcess(app).send("GET", "/zoomverify/verifyzoom.html", None)
    assert (answer.status, answer.text) == (200, "628adf0a608e430cb1b9c9b34b2e8cb2")
    assert answer.headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("code", ["<script>alert(1)</script>", "a&b"])
def test_the_code_is_no_markup(app: Flask, change_settings: Change, code: str) -> None:
    change_settings(zoom_verification=code)
    answer = InProcess(app).send("GET", "/zoomverify/verifyzoom.html", None)
    assert "<" not in answer.text


def test_without_a_code_there_is_nothing(app: Flask) -> None:
    assert InProcess(app).send("GET", "/zoomverify/verifyzoom.html", None).status == 404
