"""Consent, tokens and revocation follow Zoom's rules."""

import base64
import json

import pytest


def test_the_token_answer_has_zooms_form(zoom):
    answer = zoom.exchange(zoom.code())
    assert answer.status_code == 200
    body = answer.json()
    assert set(body) == {
        "access_token", "token_type", "refresh_token", "expires_in", "scope", "api_url",
    }  # fmt: skip
    assert body["token_type"] == "bearer"
    assert body["expires_in"] == 3599
    assert body["scope"] == "meeting:read:meeting meeting:write:meeting"


def test_the_access_token_names_its_user_as_meetings_do(zoom):
    token = zoom.connect()["access_token"]
    middle = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    assert claims["uid"] == zoom.create(token).json()["host_id"]
    assert claims["aid"]


def test_allow_returns_the_state_and_decline_returns_access_denied(zoom):
    assert zoom.decide("allow")["state"] == "state-of-calsync"
    declined = zoom.decide("decline")
    assert declined == {"error": "access_denied", "state": "state-of-calsync"}


def test_the_marketplace_can_arrive_without_a_state(zoom):
    assert set(zoom.decide("allow", state=None)) == {"code"}


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"client_id": "another"}, "4702"),
        ({"redirect_uri": "http://127.0.0.1:1/zoom/callback"}, "4700"),
        ({"redirect_uri": None}, "4700"),
        ({"response_type": "token"}, "4700"),
        ({"scope": "meeting:write:meeting"}, "4711"),
        ({"code_challenge": "x", "code_challenge_method": "plain"}, "4700"),
    ],
)
def test_a_wrong_authorization_ends_on_a_page_with_zooms_code(zoom, changed, code):
    asked = zoom.asked(**changed)
    page = zoom.get("/oauth/authorize", params=asked)
    assert (page.status_code, code in page.text) == (400, True)
    pressed = zoom.post("/oauth/authorize", data={**asked, "decision": "allow"})
    assert pressed.status_code == 400


def test_the_consent_page_lets_its_form_lead_to_calsync(zoom):
    page = zoom.get("/oauth/authorize", params=zoom.asked())
    policy = page.headers["Content-Security-Policy"]
    assert f"form-action 'self' {zoom.process.calsync_url};" in policy
    buttons = page.text[page.text.index("<button") :]
    assert buttons.startswith('<button class="button main" type="submit" name="decision"')
    assert 'value="allow"' in buttons[: buttons.index("</button>")]


def test_credentials_must_come_by_basic_authentication(zoom):
    form = {
        "grant_type": "authorization_code",
        "code": zoom.code(),
        "redirect_uri": zoom.redirect_uri,
    }
    in_body = {**form, "client_id": zoom.BASIC[0], "client_secret": zoom.BASIC[1]}
    for answer in (
        zoom.post("/oauth/token", data=in_body),
        zoom.post("/oauth/token", data=form, auth=(zoom.BASIC[0], "wrong")),
    ):
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert zoom.post("/oauth/token", data=form, auth=zoom.BASIC).status_code == 200


def test_parameters_in_the_address_do_not_count(zoom):
    form = {"grant_type": "authorization_code", "code": zoom.code()}
    answer = zoom.post("/oauth/token", params=form, auth=zoom.BASIC)
    assert answer.json()["error"] == "unsupported_grant_type"


def test_a_code_is_good_once(zoom):
    code = zoom.code()
    assert zoom.exchange(code).status_code == 200
    again = zoom.exchange(code)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


def test_a_code_wants_the_redirect_it_was_issued_for(zoom):
    answer = zoom.exchange(zoom.code(), redirect_uri="http://127.0.0.1:1/zoom/callback")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_pkce_is_checked(zoom, pkce):
    verifier, challenge = pkce
    sent = {"code_challenge": challenge, "code_challenge_method": "S256"}
    assert zoom.exchange(zoom.code(**sent), code_verifier=verifier).status_code == 200
    wrong = zoom.exchange(zoom.code(**sent), code_verifier=verifier[:-1] + "~")
    assert (wrong.status_code, wrong.json()["error"]) == (400, "invalid_grant")
    assert zoom.exchange(zoom.code(**sent)).json()["error"] == "invalid_grant"


def test_a_refresh_rotates_and_the_old_token_is_dead(zoom):
    first = zoom.connect()
    second = zoom.refresh(first["refresh_token"]).json()
    assert second["refresh_token"] != first["refresh_token"]
    dead = zoom.refresh(first["refresh_token"])
    assert (dead.status_code, dead.json()["error"]) == (400, "invalid_grant")
    assert zoom.create(second["access_token"]).status_code == 201
    assert zoom.refresh(second["refresh_token"]).status_code == 200


def test_a_later_authorization_of_the_same_user_supersedes_the_earlier(zoom):
    first, second = zoom.connect("aya"), zoom.connect("aya")
    refused = zoom.create(first["access_token"])
    assert (refused.status_code, refused.json()["code"]) == (401, 4741)
    assert zoom.refresh(first["refresh_token"]).json()["error"] == "invalid_grant"
    assert zoom.create(second["access_token"]).status_code == 201


def test_two_users_do_not_disturb_each_other(zoom):
    aya, mallory = zoom.connect("aya"), zoom.connect("mallory")
    made = zoom.create(aya["access_token"]).json()
    foreign = zoom.call("GET", f"/meetings/{made['id']}", mallory["access_token"])
    assert (foreign.status_code, foreign.json()["code"]) == (404, 3001)


def test_tokens_expire_when_they_say(zoom):
    zoom.post("/api/settings", json={"expires_in": 0})
    answer = zoom.connect()
    assert answer["expires_in"] == 0
    refused = zoom.create(answer["access_token"])
    assert (refused.status_code, refused.json()["code"]) == (401, 124)
    zoom.post("/api/settings", json={"expires_in": 60})
    fresh = zoom.refresh(answer["refresh_token"]).json()
    assert zoom.create(fresh["access_token"]).status_code == 201


def test_revoking_removes_the_app(zoom, calsync, until):
    token = zoom.connect()
    form = {"token": token["access_token"]}
    assert zoom.post("/oauth/revoke", data=form).status_code == 401
    answer = zoom.post("/oauth/revoke", data=form, auth=zoom.BASIC)
    assert (answer.status_code, answer.json()) == (200, {"status": "success"})
    assert zoom.create(token["access_token"]).json()["code"] == 124
    assert zoom.refresh(token["refresh_token"]).json()["error"] == "invalid_grant"
    until(lambda: zoom.get("/api/webhooks").json()[0]["state"] == "accepted")
    assert [path for path, _, _ in calsync.requests] == ["/zoom/webhook"]
    assert zoom.post("/oauth/revoke", data=form, auth=zoom.BASIC).status_code == 400


def test_a_grant_keeps_the_scopes_of_its_consent(zoom):
    narrow = zoom.connect("aya", scopes=["meeting:read:meeting"])
    zoom.post("/api/settings", json={"scopes": ["meeting:write:meeting"]})
    again = zoom.refresh(narrow["refresh_token"]).json()
    assert again["scope"] == "meeting:read:meeting"
