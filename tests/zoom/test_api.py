"""Making a meeting: what is asked, and what each of Zoom's answers means."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import responses
import time_machine
from flask import Flask

from app.outbox import OutcomeUnknown, Refused, Unavailable
from app.zoom import api
from tests.zoom.api_steps import ACCESS, MEETING, MEETINGS, NOON, made, wanted


def create(wire: responses.RequestsMock, **answer: Any) -> api.Meeting:
    wire.post(MEETINGS, **answer)
    return api.create_meeting(ACCESS, wanted())


def test_the_request_says_exactly_what_the_contract_says(
    app: Flask, wire: responses.RequestsMock
) -> None:
    create(wire, status=201, json=made())
    request = wire.calls[0].request
    assert request.headers["Authorization"] == "Bearer access-1"
    assert json.loads(request.body) == {
        "topic": "Consultation: Ken Yamada",
        "type": 2,
        "start_time": "2026-11-03T15:00:00Z",
        "duration": 45,
        "timezone": "Asia/Tokyo",
        "agenda": "CalSync abcdefghjk",
        "default_password": True,
        "settings": {
            "use_pmi": False,
            "join_before_host": False,
            "waiting_room": True,
            "mute_upon_entry": True,
            "approval_type": 2,
            "auto_recording": "none",
        },
    }


def test_topic_and_agenda_are_cut_to_what_zoom_takes(
    app: Flask, wire: responses.RequestsMock
) -> None:
    wire.post(MEETINGS, status=201, json=made())
    api.create_meeting(ACCESS, wanted(topic="相" * 201, agenda="a" * 2001))
    sent = json.loads(wire.calls[0].request.body)
    assert len(sent["topic"]) == 200
    assert len(sent["agenda"]) == 2000


def test_a_made_meeting_is_kept_without_its_start_url(
    app: Flask, wire: responses.RequestsMock
) -> None:
    meeting = create(wire, status=201, json=made())
    assert meeting == api.Meeting(
        id=85012345678,
        join_url="https://zoom.example/j/85012345678?pwd=x",
        passcode="123456",
        host_id="host-1",
        host_email="aya@zoom.example",
    )
    assert "zak" not in repr(meeting)


def test_a_meeting_may_come_without_a_passcode(app: Flask, wire: responses.RequestsMock) -> None:
    answer = made()
    del answer["password"]
    assert create(wire, status=201, json=answer).passcode is None


@pytest.mark.parametrize(
    ("password", "passcode"),
    [(123456, "123456"), ("", None), (None, None), (["1"], None), ("x" * 65, None), ("\0", None)],
)
def test_a_passcode_of_another_form_does_not_cost_the_meeting(
    app: Flask, wire: responses.RequestsMock, password: object, passcode: str | None
) -> None:
    assert create(wire, status=201, json=made(password=password)).passcode == passcode
    wire.get(MEETING, json=made(password=password))
    assert api.read_meeting(ACCESS, 85012345678).passcode == passcode


def test_an_id_beyond_32_bits_is_kept_whole(app: Flask, wire: responses.RequestsMock) -> None:
    assert create(wire, status=201, json=made(id=99_999_999_999)).id == 99_999_999_999


@pytest.mark.parametrize("answer", [{"status": 401}, {"status": 400, "json": {"code": 124}}])
def test_a_refused_token_is_told_apart(
    app: Flask, wire: responses.RequestsMock, answer: dict[str, Any]
) -> None:
    with pytest.raises(api.TokenRefused):
        create(wire, **answer)


@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [
        (400, 4711, "zoom_scope_missing"),
        (400, 4700, "zoom_scope_missing"),
        (400, 300, "zoom_refused"),
        (400, 3000, "zoom_refused"),
        (400, 3161, "zoom_refused"),
        (404, 1001, "zoom_user_gone"),
        (404, 3001, "zoom_meeting_gone"),
        (403, None, "zoom_refused"),
    ],
)
def test_what_cannot_be_helped_is_refused_in_zooms_own_words(
    app: Flask, wire: responses.RequestsMock, status: int, code: int | None, reason: str
) -> None:
    with pytest.raises(Refused) as refusal:
        create(wire, status=status, json={"code": code, "message": "Zoom's own words."})
    assert refusal.value.reason == reason
    assert refusal.value.words == "Zoom's own words."


@pytest.mark.parametrize("code", [[124], {"code": 124}, "one"])
def test_a_refusal_whose_code_is_no_number_is_a_refusal(
    app: Flask, wire: responses.RequestsMock, code: object
) -> None:
    with pytest.raises(Refused) as refusal:
        create(wire, status=400, json={"code": code, "message": "No."})
    assert refusal.value.reason == "zoom_refused"


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_an_ill_zoom_is_worth_another_try(
    app: Flask, wire: responses.RequestsMock, status: int
) -> None:
    with pytest.raises(Unavailable) as error:
        create(wire, status=status, body="<html>sorry</html>")
    assert not isinstance(error.value, OutcomeUnknown)


def retry_at(wire: responses.RequestsMock, **answer: Any) -> datetime | None:
    with time_machine.travel(NOON, tick=False), pytest.raises(Unavailable) as error:
        create(wire, status=429, **answer)
    assert error.value.reason == "zoom_rate_limit"
    return error.value.retry_at


def test_a_rate_limit_is_obeyed_when_it_names_a_time(
    app: Flask, wire: responses.RequestsMock
) -> None:
    assert retry_at(wire, headers={"Retry-After": "90"}) == NOON + timedelta(seconds=90)


@pytest.mark.parametrize(
    ("named", "at"),
    [
        ("Tue, 03 Nov 2026 12:10:00 GMT", NOON + timedelta(minutes=10)),
        ("Tuesday, 03-Nov-26 12:10:00 GMT", NOON + timedelta(minutes=10)),
        ("2026-11-03T12:10:00Z", NOON + timedelta(minutes=10)),
        ("2026-11-03T21:10:00+09:00", NOON + timedelta(minutes=10)),
        ("Tue, 03 Nov 2026 11:00:00 GMT", None),  # over already
        ("0", None),
        ("00", None),
        ("99999999", NOON + timedelta(days=1)),
        ("Tue, 03 Nov 2099 12:10:00 GMT", NOON + timedelta(days=1)),
        ("9999-12-31T23:59:59-14:00", None),
        ("Fri, 31 Dec 9999 23:59:59 -1400", None),
        ("in a while", None),
        ("9" * 400, None),
    ],
)
def test_a_rate_limit_may_name_a_date(
    app: Flask, wire: responses.RequestsMock, named: str, at: datetime | None
) -> None:
    assert retry_at(wire, headers={"Retry-After": named}) == at


def test_a_named_time_goes_before_the_daily_limit(app: Flask, wire: responses.RequestsMock) -> None:
    body = {"code": 429, "message": "You have exceeded the daily rate limit (100)"}
    assert retry_at(wire, json=body, headers={"Retry-After": "60"}) == NOON + timedelta(minutes=1)


def test_a_daily_limit_ends_at_midnight_utc(app: Flask, wire: responses.RequestsMock) -> None:
    message = "You have exceeded the daily rate limit (100) of Meeting create/update API requests"
    assert retry_at(wire, json={"code": 429, "message": message}) == datetime(
        2026, 11, 4, tzinfo=UTC
    )


def test_a_rate_limit_without_a_time_leaves_it_to_the_growing_pause(
    app: Flask, wire: responses.RequestsMock
) -> None:
    message = "You have reached the maximum per-second rate limit for this API."
    assert retry_at(wire, json={"code": 429, "message": message}) is None


@pytest.mark.parametrize(
    "answer",
    [
        {"body": "not json"},
        {"body": ""},
        {"json": ["a", "list"]},
        {"json": {"join_url": "https://zoom.example/j/1"}},
        {"json": {"id": "no number", "join_url": "https://zoom.example/j/1"}},
        {"json": {"id": 1}},
        {"json": made(join_url=None)},
        {"json": made(join_url="")},
        {"json": made(join_url={"href": "https://zoom.example/j/1"})},
        {"json": made(join_url="javascript:alert(1)")},
        {"json": made(join_url="https://[zoom.example/j/1")},
        {"json": made(join_url="https://zoom.example/j/1\r\nBcc: all")},
        {"json": made(id=0)},
        {"json": made(id=2**63)},
        {"body": json.dumps(made(id="number")).replace('"number"', "1e999")},
        {"body": "[" * 100_000},
    ],
)
def test_a_broken_answer_leaves_the_outcome_unknown(
    app: Flask, wire: responses.RequestsMock, answer: dict[str, Any]
) -> None:
    with pytest.raises(OutcomeUnknown):
        create(wire, status=201, **answer)


def test_a_redirect_is_not_followed_with_the_token(
    app: Flask, wire: responses.RequestsMock
) -> None:
    wire.post(MEETINGS, status=302, headers={"Location": "https://elsewhere.example/"})
    elsewhere = wire.get("https://elsewhere.example/", json=made())
    with pytest.raises((Unavailable, Refused)):
        api.create_meeting(ACCESS, wanted())
    assert elsewhere.call_count == 0


def test_a_deletion_is_answered_by_nothing(app: Flask, wire: responses.RequestsMock) -> None:
    deleted = wire.delete(MEETING, status=204)
    api.delete_meeting(ACCESS, 85012345678)
    assert deleted.call_count == 1


def test_a_redirect_deletes_nothing(app: Flask, wire: responses.RequestsMock) -> None:
    wire.delete(MEETING, status=302, json={}, headers={"Location": "https://portal.example/"})
    with pytest.raises(OutcomeUnknown):
        api.delete_meeting(ACCESS, 85012345678)


def test_deleting_without_the_permission_is_refused(
    app: Flask, wire: responses.RequestsMock
) -> None:
    wire.delete(MEETING, status=400, json={"code": 4711, "message": "does not contain scopes"})
    with pytest.raises(Refused) as refusal:
        api.delete_meeting(ACCESS, 85012345678)
    assert refusal.value.reason == "zoom_scope_missing"
