"""Events are signed and sent as Zoom does."""

import hashlib
import hmac
import json
import time

import pytest


def signature(secret, timestamp, body):
    """Written from Zoom's documentation, independently of the sandbox."""
    message = b"v0:" + timestamp.encode() + b":" + body
    return "v0=" + hmac.new(secret, message, hashlib.sha256).hexdigest()


@pytest.fixture
def removed(zoom, calsync, until):
    """Remove the app on the Marketplace; the first request that follows."""

    def remove(name="aya"):
        zoom.connect(name)
        page = zoom.get("/marketplace/installed/remove")
        assert 'name="decision" value="remove"' in page.text
        zoom.post("/marketplace/installed/remove", data={"decision": "remove"})
        until(lambda: zoom.get("/api/webhooks").json()[0]["attempts"])
        return calsync.requests[0]

    return remove


def test_a_removal_sends_a_signed_event(removed):
    before = time.time()
    path, headers, body = removed()
    assert path == "/zoom/webhook"
    timestamp = headers["x-zm-request-timestamp"]
    assert abs(int(timestamp) - time.time()) < 5
    assert headers["x-zm-signature"] == signature(b"signing-secret", timestamp, body)
    event = json.loads(body)
    assert event["event"] == "app_deauthorized"
    assert before * 1000 - 1 <= event["event_ts"] <= time.time() * 1000
    assert event["payload"]["client_id"] == "client-of-calsync"
    assert event["payload"]["deauthorization_time"].endswith("Z")


def test_the_event_names_the_user_that_meetings_name(zoom, removed):
    made = zoom.create(zoom.connect("mallory")["access_token"]).json()
    _, _, body = removed("mallory")
    assert json.loads(body)["payload"]["user_id"] == made["host_id"]


def test_what_was_removed_is_gone_and_meetings_stay(zoom, until):
    token = zoom.connect()
    made = zoom.create(token["access_token"]).json()
    assert "CalSync</strong>" in zoom.get("/marketplace/installed").text
    assert zoom.post("/api/uninstall", json={"user": "aya"}).json() == {"removed": True}
    assert "CalSync</strong>" not in zoom.get("/marketplace/installed").text
    assert zoom.create(token["access_token"]).json()["code"] == 124
    assert zoom.session.get(made["join_url"]).status_code == 200
    until(lambda: zoom.get("/api/webhooks").json()[0]["state"] == "accepted")


def test_a_removal_of_nothing_sends_nothing(zoom):
    assert zoom.post("/api/uninstall", json={"user": "hana"}).json() == {"removed": False}
    assert zoom.get("/api/webhooks").json() == []


def test_a_500_is_tried_again_with_a_fresh_signature(zoom, calsync, removed, until):
    zoom.post("/api/settings", json={"webhook_retries": [0.05, 0.05, 0.05]})
    calsync.answers += [(500, b""), (503, b"")]
    removed()
    until(lambda: zoom.get("/api/webhooks").json()[0]["state"] == "accepted")
    assert len(calsync.requests) == 3
    assert len({body for _, _, body in calsync.requests}) == 1
    for _, headers, body in calsync.requests:
        timestamp = headers["x-zm-request-timestamp"]
        assert headers["x-zm-signature"] == signature(b"signing-secret", timestamp, body)


def test_zoom_gives_up_after_three_retries(zoom, calsync, removed, until):
    zoom.post("/api/settings", json={"webhook_retries": [0.01, 0.01, 0.01]})
    calsync.answers += [(500, b"")] * 5
    removed()
    until(lambda: zoom.get("/api/webhooks").json()[0]["state"] == "given up")
    assert len(calsync.requests) == 4


@pytest.mark.parametrize("status", [302, 401, 404, 422])
def test_3xx_and_4xx_are_never_tried_again(zoom, calsync, removed, until, status):
    zoom.post("/api/settings", json={"webhook_retries": [0.01]})
    calsync.answers += [(status, b"")]
    removed()
    until(lambda: zoom.get("/api/webhooks").json()[0]["state"] == "refused")
    time.sleep(0.05)
    assert len(calsync.requests) == 1


def test_url_validation_accepts_the_right_proof_only(zoom, calsync):
    def prove(secret):
        def answer(body):
            plain = json.loads(body)["payload"]["plainToken"]
            proof = hmac.new(secret, plain.encode(), hashlib.sha256).hexdigest()
            return json.dumps({"plainToken": plain, "encryptedToken": proof}).encode()

        return answer

    calsync.answers += [
        (200, prove(b"signing-secret")),
        (200, prove(b"another")),
        (200, b"ok"),
        (401, b""),
    ]
    valid = [zoom.post("/api/url-validation").json()["valid"] for _ in range(4)]
    assert valid == [True, False, False, False]
    _, headers, body = calsync.requests[0]
    assert json.loads(body)["event"] == "endpoint.url_validation"
    timestamp = headers["x-zm-request-timestamp"]
    assert headers["x-zm-signature"] == signature(b"signing-secret", timestamp, body)
    calsync.answers += [(200, prove(b"signing-secret"))]
    assert "is valid" in zoom.post("/marketplace/installed/validate").text
