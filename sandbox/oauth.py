"""Zoom's OAuth addresses: consent, tokens, revocation.

https://developers.zoom.us/docs/integrations/oauth/
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from urllib.parse import urlencode

from flask import Blueprint, g, jsonify, redirect, render_template, request
from flask.typing import ResponseReturnValue

from sandbox import calls, choices, grants, webhooks
from sandbox.people import KNOWN, Person, signed_in
from sandbox.wiring import courier, settings, store

consent = Blueprint("consent", __name__, url_prefix="/oauth")
tokens = Blueprint("tokens", __name__, url_prefix="/oauth")
calls.watch(tokens, "token")

ASKED = (
    "response_type",
    "client_id",
    "redirect_uri",
    "state",
    "code_challenge",
    "code_challenge_method",
)


class BadAuthorization(Exception):
    """An authorization that Zoom refuses on a page of its own, with a code and words."""

    def __init__(self, code: int, title: str, words: str) -> None:
        super().__init__(title)
        self.code = code
        self.title = title
        self.words = words


@consent.get("/authorize")
def ask() -> ResponseReturnValue:
    """The consent page. :raises 400: an authorization that Zoom would refuse."""
    check_authorization(request.args)
    granted = choices.current(store).scopes
    return render_template(
        "consent.html",
        person=signed_in(),
        people=[Person(key) for key in KNOWN],
        permissions=[(scope, choices.SCOPES[scope]) for scope in granted],
        asked={name: request.args[name] for name in ASKED if name in request.args},
        here=request.full_path,
    )


@consent.post("/authorize")
def decide() -> ResponseReturnValue:
    """Back to the app: with a code after Allow, with access_denied after Decline."""
    check_authorization(request.form)
    answer = {"error": "access_denied"}
    if request.form.get("decision") == "allow":
        answer = {
            "code": grants.issue_code(
                store,
                signed_in(),
                request.form["redirect_uri"],
                request.form.get("code_challenge"),
                choices.current(store).scope,
            )
        }
    if "state" in request.form:
        answer["state"] = request.form["state"]
    return redirect(f"{settings.redirect_uri}?{urlencode(answer)}", 302)


@consent.errorhandler(BadAuthorization)
def show_refusal(refusal: BadAuthorization) -> ResponseReturnValue:
    return render_template("refused.html", refusal=refusal), 400


def check_authorization(asked: Mapping[str, str]) -> None:
    """Raise BadAuthorization as Zoom would. A state is not demanded, and none is needed."""
    if asked.get("client_id") != settings.client_id:
        raise BadAuthorization(4702, "Invalid client", "No app has this client_id.")
    if asked.get("redirect_uri") != settings.redirect_uri:
        raise BadAuthorization(
            4700,
            "Invalid redirect",
            "The redirect_uri is not the one registered for the app.",
        )
    if asked.get("response_type") != "code":
        raise BadAuthorization(4700, "Invalid request", "The response_type must be code.")
    if "scope" in asked:
        raise BadAuthorization(
            4711,
            "Invalid scope",
            "Scopes are set on the app; a scope parameter is refused.",
        )
    if asked.get("code_challenge") and asked.get("code_challenge_method") != "S256":
        raise BadAuthorization(4700, "Invalid request", "The sandbox takes PKCE by S256 only.")


@tokens.before_request
def admit() -> ResponseReturnValue | None:
    """Faults first, then Basic authentication; credentials in the body do not count."""
    if g.fault and g.fault.kind == "token-500":
        return "<error>upstream</error>", 500, {"Content-Type": "application/xml"}
    if g.fault and g.fault.kind == "token-drop" and request.endpoint != "tokens.issue":
        g.fault = None
    sent = request.authorization
    if sent is None or sent.type != "basic":
        return denied("invalid_client", "Missing credentials (4706)", 401)
    known = hmac.compare_digest((sent.username or "").encode(), settings.client_id.encode())
    right = hmac.compare_digest((sent.password or "").encode(), settings.client_secret.encode())
    if not (known and right):
        return denied("invalid_client", "Invalid client_id or client_secret", 401)
    return None


@tokens.post("/token")
def issue() -> ResponseReturnValue:
    """Tokens for a code or a refresh token, both in the form body."""
    expires_in = choices.current(store).expires_in
    form = request.form
    match form.get("grant_type"):
        case "authorization_code":
            answer = grants.exchange(
                store,
                form.get("code", ""),
                form.get("redirect_uri", ""),
                form.get("code_verifier"),
                expires_in,
            )
        case "refresh_token":
            rotates = not (g.fault and g.fault.kind == "token-no-refresh")
            answer = grants.refresh(
                store, form.get("refresh_token", ""), expires_in, rotates=rotates
            )
        case _:
            return denied("unsupported_grant_type", "Invalid grant type (4705)", 400)
    if g.fault and g.fault.kind == "token-no-scope":
        del answer["scope"]
    return jsonify(answer), 200, {"Cache-Control": "no-store"}


@tokens.post("/revoke")
def revoke() -> ResponseReturnValue:
    """Revoking removes the app, and the app is told of it like of any removal."""
    person = grants.revocable(store, request.form.get("token", ""))
    if grants.uninstall(store, person):
        courier.send("app_deauthorized", webhooks.deauthorized(settings, store, person))
    return jsonify(status="success")


@tokens.errorhandler(grants.Denied)
def deny(error: grants.Denied) -> ResponseReturnValue:
    return denied(error.error, error.reason, 400)


def denied(error: str, reason: str, status: int) -> ResponseReturnValue:
    return jsonify(reason=reason, error=error), status
