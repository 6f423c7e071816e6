"""Answers of Zoom's that are rare: the sandbox plays each when it is asked to."""

import pytest

GRANULAR = ["meeting:write:meeting", "meeting:read:meeting"]


@pytest.fixture
def tokens(zoom):
    return zoom.connect(scopes=GRANULAR)


@pytest.mark.parametrize("end", ["", ":admin"])
@pytest.mark.parametrize("write", ["meeting:write:meeting", "meeting:write"])
def test_a_scope_of_any_family_opens_the_call(zoom, write, end):
    token = zoom.connect(scopes=[write + end])["access_token"]
    assert zoom.create(token).status_code == 201


def test_a_classic_scope_to_read_opens_no_creation(zoom):
    token = zoom.connect(scopes=["meeting:read"])["access_token"]
    assert zoom.create(token).json()["code"] == 4711


def test_a_missing_scope_may_come_with_401(zoom, tokens):
    zoom.fault("401-scope")
    answer = zoom.create(tokens["access_token"])
    assert (answer.status_code, answer.json()["code"]) == (401, 4711)


def test_a_firewalls_page_is_no_json(zoom, tokens):
    zoom.fault("403-page")
    answer = zoom.create(tokens["access_token"])
    assert answer.status_code == 403
    assert answer.text.startswith("<html>")


def test_refused_fields_are_listed_with_their_reasons(zoom, tokens):
    zoom.fault("fields-refused")
    answer = zoom.create(tokens["access_token"])
    assert (answer.status_code, answer.json()["code"]) == (400, 300)
    assert {"field": "duration", "message": "Too long."} in answer.json()["errors"]


def test_an_unknown_zone_is_refused_until_it_is_left_out(zoom, tokens):
    zoom.fault("timezone-unknown", count=5)
    refused = zoom.create(tokens["access_token"])
    assert [error["field"] for error in refused.json()["errors"]] == ["timezone"]
    without = {"topic": "Consultation", "start_time": "2026-11-03T15:00:00Z", "duration": 30}
    made = zoom.call("POST", "/users/me/meetings", tokens["access_token"], json=without)
    assert made.status_code == 201


def test_a_made_meeting_may_come_without_its_link(zoom, tokens):
    zoom.fault("no-join-url")
    made = zoom.create(tokens["access_token"]).json()
    assert "join_url" not in made
    read = zoom.call("GET", f"/meetings/{made['id']}", tokens["access_token"]).json()
    assert read["join_url"].startswith("http")


def test_a_refresh_may_bring_no_refresh_token_and_leaves_the_old_one_good(zoom, tokens):
    zoom.fault("token-no-refresh")
    answer = zoom.refresh(tokens["refresh_token"]).json()
    assert "refresh_token" not in answer
    assert zoom.create(answer["access_token"]).status_code == 201
    assert zoom.refresh(tokens["refresh_token"]).status_code == 200


def test_a_token_answer_may_leave_out_the_scopes(zoom, tokens):
    zoom.fault("token-no-scope")
    assert "scope" not in zoom.refresh(tokens["refresh_token"]).json()


def test_a_topic_is_measured_in_utf_16_units(zoom, tokens):
    assert zoom.create(tokens["access_token"], topic="😀" * 100).status_code == 201
    assert zoom.create(tokens["access_token"], topic="😀" * 100 + "x").status_code == 400


@pytest.mark.parametrize("said", ["true", "false", ""])
def test_a_removal_says_what_was_chosen_about_the_data(zoom, tokens, calsync, until, said):
    zoom.post("/api/settings", json={"data_retention": said})
    zoom.post("/api/uninstall", json={"user": "aya"})
    until(lambda: calsync.requests)
    sent = zoom.get("/api/webhooks").json()[0]["body"]["payload"]
    assert sent.get("user_data_retention", "") == said


def test_another_word_about_the_data_is_refused(zoom):
    assert zoom.post("/api/settings", json={"data_retention": "maybe"}).status_code == 422
