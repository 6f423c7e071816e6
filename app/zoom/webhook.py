"""`POST /zoom/webhook`: what Zoom tells us, signed.

Source: Zoom's "Using webhooks" page. Zoom waits three seconds, and sends an event again only
after a status of 500 and above: so a failing database is 500, and an unknown user is 200.
"""

import hmac
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from http import HTTPStatus
from typing import Any

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import SQLAlchemyError

from ..core.clock import utcnow
from ..core.config import current_settings
from ..core.logs import log
from ..db import db
from ..web.extensions import csrf
from ..web.incoming import takes_json
from . import removal
from .values import Identity

bp = Blueprint("zoom_webhook", __name__)

FRESH = timedelta(minutes=5)


class Malformed(Exception):
    """The body does not say what an event of its kind must say."""


@bp.post("/zoom/webhook")
@takes_json
@csrf.exempt
def receive() -> ResponseReturnValue:
    """Take an event. 401: not signed by Zoom, or stale. 400: not an event. 500: try again."""
    body = request.get_data()
    timestamp = request.headers.get("x-zm-request-timestamp", "")
    signature = request.headers.get("x-zm-signature", "")
    secret = signing_secret(current_settings().zoom_webhook_secrets, timestamp, body, signature)
    if secret is None:
        log.warning("webhook without a valid signature")
        return "", HTTPStatus.UNAUTHORIZED
    sent_at = instant(timestamp, per_second=1)
    if sent_at is None or abs(utcnow() - sent_at) > FRESH:
        log.warning("webhook out of date")
        return "", HTTPStatus.UNAUTHORIZED
    try:
        return answer(event_in(body), secret, sent_at)
    except Malformed as fault:
        log.warning("webhook malformed", fault=str(fault))
        return "", HTTPStatus.BAD_REQUEST
    except SQLAlchemyError as error:
        db.session.rollback()
        log.error("webhook not kept", error=type(error).__name__)
        return "", HTTPStatus.INTERNAL_SERVER_ERROR


def signing_secret(
    secrets: Iterable[str], timestamp: str, body: bytes, signature: str
) -> str | None:
    """The secret that this request was signed with, or None. In constant time for each secret."""
    signed = b"v0:" + timestamp.encode() + b":" + body
    found = None
    for secret in secrets:
        if hmac.compare_digest(f"v0={_hmac(secret, signed)}".encode(), signature.encode()):
            found = secret
    return found


def event_in(body: bytes) -> dict[str, Any]:
    """The event. Raises Malformed for what is no JSON object, or has no object as its payload."""
    try:
        event = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Malformed("no JSON") from error
    if not isinstance(event, dict) or not isinstance(event.get("payload"), dict):
        raise Malformed("no event")
    return event


def answer(event: dict[str, Any], secret: str, sent_at: datetime) -> ResponseReturnValue:
    """Do what the event asks for. Raises Malformed. Events that we know nothing of are accepted."""
    match event.get("event"):
        case "endpoint.url_validation":
            return prove(event["payload"].get("plainToken"), secret)
        case removal.EVENT:
            removal.apply(removal_in(event, sent_at))
    return "", HTTPStatus.OK


def prove(plain_token: object, secret: str) -> ResponseReturnValue:
    """Show Zoom that we know the secret; it asks every 72 hours. Raises Malformed."""
    if not isinstance(plain_token, str) or not plain_token.isprintable():
        raise Malformed("no plainToken")
    return jsonify(plainToken=plain_token, encryptedToken=_hmac(secret, plain_token.encode()))


def removal_in(event: dict[str, Any], sent_at: datetime) -> removal.Removal:
    """Who removed us, when (`event_ts`, in milliseconds), and whether the data is left to us: it is
    unless `user_data_retention` says no. Raises Malformed."""
    payload = event["payload"]
    user_id = Identity.of(payload.get("user_id")).user_id
    if user_id is None:
        raise Malformed("no user_id")
    return removal.Removal(
        user_id,
        instant(event.get("event_ts"), per_second=1000) or sent_at,
        leaves_data=str(payload.get("user_data_retention")).lower() != "false",
    )


def instant(number: object, per_second: int) -> datetime | None:
    """A count since 1970 as aware UTC; None when it is no count, or out of all bounds."""
    try:
        return datetime.fromtimestamp(int(str(number)) / per_second, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _hmac(secret: str, message: bytes) -> str:
    return hmac.new(secret.encode(), message, sha256).hexdigest()
