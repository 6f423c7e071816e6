"""What several files of this folder do with the app in the same words."""

import json
from datetime import datetime, timedelta

from flask import Flask
from werkzeug.test import TestResponse

from app.core.clock import utcnow
from app.db import db
from app.zoom.models import ZoomConnection
from tests.zoom.events import seconds, signature

SECRET = "webhook-secret"


def post(
    app: Flask,
    body: object,
    *,
    secret: str = SECRET,
    at: datetime | None = None,
    headers: dict[str, str | None] | None = None,
) -> TestResponse:
    """Send a body as Zoom does; `headers` replaces some, and None leaves one out."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    timestamp = seconds(at or utcnow())
    sent = {
        "Content-Type": "application/json; charset=utf-8",
        "x-zm-request-timestamp": timestamp,
        "x-zm-signature": signature(secret, timestamp, raw),
    } | (headers or {})
    response = app.test_client().post(
        "/zoom/webhook",
        data=raw,
        headers={name: value for name, value in sent.items() if value is not None},
        base_url="http://127.0.0.1",
    )
    db.session.rollback()
    db.session.expire_all()
    return response


def connections() -> int:
    db.session.expire_all()
    return db.session.query(ZoomConnection).count()


def an_hour_ago() -> datetime:
    return utcnow() - timedelta(hours=1)
