"""Events as Zoom sends them, and the cases that its address for events is to tell apart.

The signature is built here from Zoom's documentation, without the app's code: HMAC-SHA256 over
`v0:<timestamp>:<raw body>`, in hex behind `v0=`.
"""

import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from app.core.clock import utcnow

ZOOM_USER = "Kq3vR5YcQ0mF0nVQYQ8z7w"


@dataclass(frozen=True)
class Sent:
    """A request to the webhook, the status that it is to get, and whether it removes CalSync."""

    status: int
    body: bytes
    headers: dict[str, str]
    removes: bool = False


def cases(user_id: str, connected_at: datetime, secret: str) -> dict[str, Sent]:
    """A request for each case, made now. `user_id` is of a Zoom user who is connected since
    `connected_at` (aware UTC)."""
    now = utcnow()
    event = dumped(removal(user_id))
    plain = {"plainToken": secrets.token_urlsafe(16)}
    validation = {"event": "endpoint.url_validation", "event_ts": 1, "payload": plain}
    late, early = now - timedelta(seconds=302), now + timedelta(seconds=302)
    signed = signed_headers(event, secret, now)
    timestamp, signature_ = "x-zm-request-timestamp", "x-zm-signature"
    unknown = dumped(removal(secrets.token_urlsafe(16)))
    old = dumped(removal(user_id, connected_at - timedelta(hours=1)))
    no_json = b"not json"
    return {
        "removal by a user": Sent(200, event, signed, removes=True),
        "removal by an unknown user": Sent(200, unknown, signed_headers(unknown, secret, now)),
        "removal before the connection": Sent(200, old, signed_headers(old, secret, now)),
        "validation of the address": Sent(
            200, dumped(validation), signed_headers(dumped(validation), secret, now)
        ),
        "wrong signature": Sent(401, event, signed_headers(event, "another secret", now)),
        "no signature": Sent(401, event, without(signed, signature_)),
        "no timestamp": Sent(401, event, without(signed, timestamp)),
        "neither": Sent(401, event, without(without(signed, signature_), timestamp)),
        "more than five minutes late": Sent(401, event, signed_headers(event, secret, late)),
        "more than five minutes early": Sent(401, event, signed_headers(event, secret, early)),
        "no JSON": Sent(400, no_json, signed_headers(no_json, secret, now)),
    }


def dumped(event: object) -> bytes:
    return json.dumps(event).encode()


def signed_headers(body: bytes, secret: str, at: datetime) -> dict[str, str]:
    timestamp = seconds(at)
    return {
        "Content-Type": "application/json; charset=utf-8",
        "x-zm-request-timestamp": timestamp,
        "x-zm-signature": signature(secret, timestamp, body),
    }


def without(headers: dict[str, str], name: str) -> dict[str, str]:
    return {other: value for other, value in headers.items() if other != name}


def signature(secret: str, timestamp: str, body: bytes) -> str:
    message = b"v0:" + timestamp.encode() + b":" + body
    return "v0=" + hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def seconds(at: datetime) -> str:
    return str(int(at.timestamp()))


def milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def removal(user_id: str = ZOOM_USER, at: datetime | None = None, **payload: Any) -> dict[str, Any]:
    """An `app_deauthorized` as Zoom documents it."""
    return {
        "event": "app_deauthorized",
        "event_ts": milliseconds(at or utcnow()),
        "payload": {
            "account_id": "EabCDEFghiLHMA",
            "user_id": user_id,
            "signature": "827edc3452044f0bc86bdd5684afb7d1e6becfa1a767f24df1b287853cf73000",
            "deauthorization_time": "2025-06-08T06:55:26.209Z",
            "client_id": "ADZ9k9bTWmGUoUbECUKU_a",
            "user_data_retention": "false",
        }
        | payload,
    }
