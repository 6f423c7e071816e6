"""OAuth with Zoom: the authorization dance through Authlib, refresh and revoke by requests.

Source: Zoom's "OAuth 2.0" page. The client authenticates by Basic, PKCE is S256, and no
`scope` is sent: scopes are set on the app, and Zoom has refused the parameter.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import requests
from authlib.integrations.base_client import OAuthError
from flask import Flask

from ..clock import utcnow
from ..config import Settings
from ..extensions import oauth
from ..outbox import Refused, Unavailable
from ..web import current_settings


@dataclass(frozen=True)
class Grant:
    """What a token answer gives. `expires_at` is aware UTC, `lifetime` its length in seconds."""

    access_token: str
    refresh_token: str
    expires_at: datetime
    lifetime: int
    scopes: str


class AuthorizationFailed(Exception):
    """Zoom did not give a token for this code; `error` is its OAuth error code."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


def init_app(app: Flask, settings: Settings) -> None:
    """Register Zoom as an OAuth client."""
    oauth.init_app(app)
    oauth.register(
        "zoom",
        overwrite=True,
        client_id=settings.zoom_client_id,
        client_secret=settings.zoom_client_secret,
        authorize_url=f"{settings.zoom_oauth_base_url}/oauth/authorize",
        access_token_url=f"{settings.zoom_oauth_base_url}/oauth/token",
        client_kwargs={
            "code_challenge_method": "S256",
            "token_endpoint_auth_method": "client_secret_basic",
            "default_timeout": _timeouts(settings),
        },
    )


def exchange_code() -> Grant:
    """Turn the callback's code into tokens, checking state and PKCE.

    Raises AuthorizationFailed when Zoom or the state says no, Unavailable when Zoom is ill.
    """
    try:
        return _grant(oauth.zoom.authorize_access_token())
    except OAuthError as error:
        raise AuthorizationFailed(error.error or "unknown") from error
    except (requests.RequestException, ValueError, KeyError) as error:
        raise Unavailable("zoom_unreachable") from error


def refresh(refresh_token: str) -> Grant:
    """New tokens for an old refresh token, which is dead afterwards.

    Raises Refused("zoom_invalid_grant") when the connection is over, Unavailable when Zoom is
    ill or its answer makes no sense.
    """
    settings = current_settings()
    try:
        response = requests.post(
            f"{settings.zoom_oauth_base_url}/oauth/token",
            data={"grant_type": "refresh_token", "refresh_token": refresh_token},
            auth=(settings.zoom_client_id, settings.zoom_client_secret),
            timeout=_timeouts(settings),
        )
        answer = response.json()
        # Zoom's statuses vary; the JSON error code is what counts.
        if isinstance(answer, dict) and "error" not in answer:
            return _grant(answer)
    except (requests.RequestException, ValueError, KeyError) as error:
        raise Unavailable("zoom_unreachable") from error
    if isinstance(answer, dict) and answer.get("error") == "invalid_grant":
        raise Refused("zoom_invalid_grant")
    raise Unavailable("zoom_token_refused")


def revoke(access_token: str) -> bool:
    """Give the token back, which uninstalls the app at Zoom. False when Zoom did not confirm."""
    settings = current_settings()
    try:
        response = requests.post(
            f"{settings.zoom_oauth_base_url}/oauth/revoke",
            data={"token": access_token},
            auth=(settings.zoom_client_id, settings.zoom_client_secret),
            timeout=_timeouts(settings),
        )
    except requests.RequestException:
        return False
    return response.ok


def _grant(answer: dict[str, object]) -> Grant:
    lifetime = int(str(answer["expires_in"]))
    return Grant(
        access_token=str(answer["access_token"]),
        refresh_token=str(answer["refresh_token"]),
        expires_at=utcnow() + timedelta(seconds=lifetime),
        lifetime=lifetime,
        scopes=str(answer.get("scope") or ""),
    )


def _timeouts(settings: Settings) -> tuple[float, float]:
    return (
        settings.zoom_connect_timeout.total_seconds(),
        settings.zoom_read_timeout.total_seconds(),
    )
