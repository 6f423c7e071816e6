"""What several files of this folder do with the app in the same words."""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import responses

from app.core.clock import utcnow
from app.db import db
from app.zoom import tokens as zoom_tokens
from app.zoom.models import ZoomConnection
from app.zoom.oauth import Grant
from tests.conftest import ZOOM_OAUTH

TOKEN = f"{ZOOM_OAUTH}/oauth/token"


REVOKE = f"{ZOOM_OAUTH}/oauth/revoke"


def grant(number: int, **more: Any) -> Grant:
    values = {
        "access_token": f"access-{number}",
        "refresh_token": f"refresh-{number}",
        "expires_at": utcnow() + timedelta(hours=1),
        "lifetime": 3599,
        "scopes": "meeting:read:meeting meeting:write:meeting",
    } | more
    return Grant(**values)


def tokens(number: int) -> dict[str, Any]:
    return {
        "access_token": f"access-{number}",
        "token_type": "bearer",
        "refresh_token": f"refresh-{number}",
        "expires_in": 3599,
        "scope": "meeting:read:meeting meeting:write:meeting",
        "api_url": "https://api-us.zoom.example",
    }


def sent_refresh_tokens(wire: responses.RequestsMock) -> list[str]:
    return [parse_qs(str(call.request.body))["refresh_token"][0] for call in wire.calls]


def reread(user_id: int) -> ZoomConnection:
    db.session.expire_all()
    connection = zoom_tokens.connection_of(user_id)
    assert connection is not None
    return connection


def in_minutes(minutes: float) -> datetime:
    return utcnow() + timedelta(minutes=minutes)
