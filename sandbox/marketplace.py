"""The Marketplace: CalSync's listing, the installed apps, and who is signed in at Zoom."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from sandbox import choices, grants, webhooks
from sandbox.people import COOKIE, KNOWN, Person, named, signed_in
from sandbox.wiring import courier, settings, store

bp = Blueprint("marketplace", __name__)


@bp.get("/marketplace")
def listing() -> ResponseReturnValue:
    """CalSync's page, with both ways of adding it."""
    stateless = {
        "response_type": "code",
        "client_id": settings.client_id,
        "redirect_uri": settings.redirect_uri,
    }
    granted = choices.current(store).scopes
    return render_template(
        "marketplace.html",
        person=signed_in(),
        people=[Person(key) for key in KNOWN],
        permissions=[(scope, choices.SCOPES[scope]) for scope in granted],
        landing_url=settings.landing_url,
        stateless_url=f"{url_for('consent.ask')}?{urlencode(stateless)}",
        is_installed=grants.installed_at(store, signed_in()) is not None,
        here=request.path,
    )


@bp.get("/marketplace/installed")
def installed() -> ResponseReturnValue:
    """Manage > Installed Apps."""
    return show_installed(None)


@bp.get("/marketplace/installed/remove")
def ask_removal() -> ResponseReturnValue:
    return render_template("remove.html", person=signed_in())


@bp.post("/marketplace/installed/remove")
def remove() -> ResponseReturnValue:
    """Uninstall the app of whoever is signed in; the app hears of it by a signed event."""
    person = signed_in()
    if grants.uninstall(store, person):
        courier.send("app_deauthorized", webhooks.deauthorized(settings, store, person))
    return redirect(url_for("marketplace.installed"), 303)


@bp.post("/marketplace/installed/validate")
def validate() -> ResponseReturnValue:
    """Run the URL validation and show what came of it."""
    return show_installed(courier.validate_url())


@bp.post("/signed-in")
def sign_in() -> ResponseReturnValue:
    """Sign in at Zoom as somebody, without a password. `next` takes local paths only."""
    person = named(request.form.get("zoom_user", ""))
    wanted = request.form.get("next", "")
    is_local = wanted.startswith("/") and not wanted.startswith(("//", "/\\"))
    answer = redirect(wanted if is_local else url_for("marketplace.listing"), 303)
    if person is not None:
        answer.set_cookie(COOKIE, person.key, httponly=True, samesite="Lax")
    return answer


def show_installed(verdict: webhooks.Verdict | None) -> ResponseReturnValue:
    person = signed_in()
    return render_template(
        "installed.html",
        person=person,
        people=[Person(key) for key in KNOWN],
        installed_at=grants.installed_at(store, person),
        verdict=verdict,
        webhook_url=settings.webhook_url,
        deliveries=webhooks.deliveries(store)[:20],
        here=url_for("marketplace.installed"),
    )
