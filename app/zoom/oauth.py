"""OAuth with Zoom: the authorization dance through Authlib, refresh and revoke by requests.

Source: Zoom's "OAuth 2.0" page. The client authenticates by Basic, PKCE is S256, and no
`scope` is sent: scopes are set on the app, and Zoom has refused the parameter.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.flask_client import OAuth
from flask import Flask

from ..core import outgoing
from ..core.clock import utcnow
from ..core.config import Settings, current_settings
from ..core.logs import log
from ..outbox import Refused, Unavailable
from .abilities import ASKED
from .wire import json_of, retry_at, send, timeouts, turn

oauth = OAuth()

AN_HOUR, LONGEST_LIFETIME = 3600, 10**9  # seconds
# Zoom's own numbers, `4711` or `4,711`, stand somewhere in its words.
CODE = re.compile(r"(?<!\d)4,?7\d\d(?!\d)")
# OAuth errors (RFC 6749, 5.2) about how CalSync is set up; no host's connection is at fault.
OPERATORS_FAULTS = frozenset(
    {"invalid_client", "invalid_request", "unauthorized_client", "unsupported_grant_type"}
)


# An answer that names no scope grants what was asked for (RFC 6749, 5.1).
AS_ASKED = " ".join(ASKED)


@dataclass(frozen=True)
class Grant:
    """What a token answer gives. `expires_at` is aware UTC, `lifetime` its length in seconds;
    `scopes` are empty where a refresh does not name them: they are what they were."""

    access_token: str
    refresh_token: str
    expires_at: datetime
    lifetime: int
    scopes: str


class AuthorizationFailed(Exception):
    """Zoom did not give a token for this code.

    `error` is its OAuth error, `code` Zoom's own number (4733) where its words carry one.
    """

    def __init__(self, error: str, code: int | None = None) -> None:
        super().__init__(error)
        self.error = error
        self.code = code


def code_in(*words: object) -> int | None:
    """The first of Zoom's error numbers in these texts."""
    found = CODE.search(" ".join(str(text) for text in words if text))
    return int(found[0].replace(",", "")) if found else None


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
            "default_timeout": timeouts(settings),
        },
        compliance_fix=_read_refusals,
    )


def _read_refusals(session: Any) -> None:
    """Zoom gives its reason as `reason`, which Authlib would drop."""
    session.register_compliance_hook("access_token_response", _raise_refusal)


def _raise_refusal(response: requests.Response) -> requests.Response:
    answer = json_of(response) or {}
    if error := answer.get("error"):
        raise AuthorizationFailed(str(error), code_in(answer.get("reason"), error))
    return response


def exchange_code() -> Grant:
    """Turn the callback's code into tokens, checking state and PKCE.

    Raises AuthorizationFailed when Zoom or the state says no, Unavailable when Zoom is ill;
    Unavailable("zoom_busy") before state and code are used up, so the same address may be asked
    again.
    """
    try:
        with turn():
            patience = outgoing.patience(*timeouts(current_settings()))
            return _grant(oauth.zoom.authorize_access_token(timeout=patience))
    except AuthlibBaseError as error:
        # No code, or no state after all; what Zoom refuses is raised while its answer is read.
        raise AuthorizationFailed(error.error or "unknown") from error
    except (requests.RequestException, ValueError, KeyError) as error:
        raise Unavailable("zoom_unreachable") from error


def refresh(refresh_token: str) -> Grant:
    """New tokens for an old refresh token, which is dead afterwards, unless the answer brings none
    in its place.

    Raises Refused("zoom_invalid_grant") when the connection is over, Unavailable when Zoom is
    ill or its answer makes no sense.
    """
    settings = current_settings()
    try:
        response = send(
            "POST",
            f"{settings.zoom_oauth_base_url}/oauth/token",
            data={"grant_type": "refresh_token", "refresh_token": refresh_token},
            auth=(settings.zoom_client_id, settings.zoom_client_secret),
        )
    except requests.RequestException as error:
        raise Unavailable("zoom_unreachable") from error
    return _grant_in(response, refresh_token)


def _grant_in(response: requests.Response, refresh_token: str) -> Grant:
    """Zoom's statuses vary, and its bodies may be XML or HTML: the JSON `error` is what counts."""
    answer = json_of(response)
    if answer is None:
        raise Unavailable("zoom_unreachable", retry_at(response))
    match answer.get("error"):
        case None:
            pass
        case "invalid_grant":
            raise Refused("zoom_invalid_grant")
        case error:
            log.error("zoom refused a refresh", error=str(error)[:60])
            reason = "zoom_token_refused" if error in OPERATORS_FAULTS else "zoom_unreachable"
            raise Unavailable(reason, retry_at(response))
    try:
        return _grant({"refresh_token": refresh_token} | _told(answer), scopes="")
    except (KeyError, ValueError) as error:
        raise Unavailable("zoom_unreachable", retry_at(response)) from error


def _told(answer: dict[str, Any]) -> dict[str, Any]:
    """What an answer says; null and an empty text say nothing."""
    return {name: value for name, value in answer.items() if value not in (None, "")}


def revoke(access_token: str) -> bool:
    """Give the token back, which uninstalls the app at Zoom. False when Zoom did not confirm."""
    settings = current_settings()
    try:
        response = send(
            "POST",
            f"{settings.zoom_oauth_base_url}/oauth/revoke",
            data={"token": access_token},
            auth=(settings.zoom_client_id, settings.zoom_client_secret),
        )
    except (requests.RequestException, Unavailable):
        return False
    # A redirect or a page of somebody's on the way confirms nothing.
    answer = json_of(response)
    return response.status_code == HTTPStatus.OK and answer is not None and "error" not in answer


def _grant(answer: dict[str, object], scopes: str = AS_ASKED) -> Grant:
    """`scopes` stand for those that the answer does not name.

    Raises KeyError or ValueError: half a grant must not take the place of a whole one.
    """
    lifetime = _lifetime_in(answer)
    return Grant(
        access_token=_text_in(answer, "access_token"),
        refresh_token=_text_in(answer, "refresh_token"),
        expires_at=utcnow() + timedelta(seconds=lifetime),
        lifetime=lifetime,
        scopes=_scopes_in(answer) or scopes,
    )


def _lifetime_in(answer: dict[str, object]) -> int:
    """Seconds; an hour, as documented, where the answer does not tell: the tokens are the only
    ones that Zoom takes from now on, and must not be lost for that."""
    try:
        lifetime = int(float(str(answer.get("expires_in"))))
    except (ValueError, OverflowError):
        return AN_HOUR
    return lifetime if 0 <= lifetime <= LONGEST_LIFETIME else AN_HOUR


def _text_in(answer: dict[str, object], name: str) -> str:
    text = answer[name]
    if not isinstance(text, str) or not text:
        raise ValueError(name)
    return text


def _scopes_in(answer: dict[str, object]) -> str:
    """The names with a space between (RFC 6749, 3.3), though they came as a list or with commas."""
    scope = answer.get("scope") or ""
    names = scope if isinstance(scope, list) else str(scope).replace(",", " ").split()
    return " ".join(map(str, names))
