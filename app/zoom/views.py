"""Connecting, coming back from Zoom, and disconnecting."""

from datetime import timedelta
from http import HTTPStatus

from flask import Blueprint, Response, abort, flash, g, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from markupsafe import escape

from ..accounts.gate import current_host, hosts_only
from ..core.clock import utcnow
from ..core.config import current_settings
from ..i18n import gettext as _
from ..outbox import Unavailable
from ..web.addresses import public_url
from ..web.htmx import render, see_other
from . import identity, oauth, service
from .abilities import Abilities
from .oauth import oauth as clients

bp = Blueprint("zoom", __name__)

STATE_LIFE = timedelta(minutes=10)
FLOW = "zoom_flow"
RETRY_AFTER = 5  # seconds until one of those who wait for Zoom has most likely been answered
# Where Zoom may name its error's number.
TOLD_IN = ("error", "error_code", "error_description")
# What to do about each number that Zoom's pages show; the template has the words.
ADVICE = {
    4700: "browser",
    4702: "ours",
    4704: "ours",
    4705: "ours",
    4706: "ours",
    4709: "ours",
    4711: "permissions",
    4717: "ours",
    4733: "again",
    4734: "again",
    4735: "owner",
    4737: "again",
    4738: "admin",
    4741: "again",
}
# The numbers of what Zoom's token address says in words alone.
NUMBERS = {"invalid_client": 4702, "unsupported_grant_type": 4705}


@bp.get("/zoom/connect")
def connect() -> ResponseReturnValue:
    """Send the signed-in host to Zoom's consent page. Also the Marketplace's landing address."""
    if turned_away := hosts_only():
        return turned_away
    forget_unfinished()
    session[FLOW] = {
        "user": current_host().id,
        "until": (utcnow() + STATE_LIFE).timestamp(),
    }
    response: ResponseReturnValue = clients.zoom.authorize_redirect(public_url("zoom.callback"))
    return response


def forget_unfinished() -> None:
    """Drop the states of earlier starts; the cookie would grow with each."""
    for key in [key for key in session if key.startswith("_state_zoom_") or key == FLOW]:
        session.pop(key)


@bp.get("/zoom/callback")
def callback() -> ResponseReturnValue:
    """Zoom sends the browser back here.

    A code is exchanged only when it answers a start of ours, in this session, by this host,
    in the last ten minutes. Any other arrival (the Marketplace's Add comes without a state) may
    be an attacker's code, and is offered a fresh start instead.
    """
    g.is_private = True
    is_ours = is_answer_to_ours()
    error = request.args.get("error")
    if error and (code := oauth.code_in(*(request.args.get(name) for name in TOLD_IN))):
        forget_unfinished()
        return show_failure(code)
    if not is_ours:
        forget_unfinished()
        return show_fresh_start()
    if error:
        forget_unfinished()
        tell_refusal(error)
        return see_other(url_for("settings.integrations"))
    return finish()


def show_failure(code: int) -> ResponseReturnValue:
    """What one of Zoom's error numbers asks the host to do."""
    return render("zoom/failed.html", code=code, advice=ADVICE.get(code, "again"))


def show_fresh_start() -> ResponseReturnValue:
    """Finish connecting Zoom: one button, and nothing is linked before it is pressed."""
    is_signed_in = current_user.is_authenticated
    return render(
        "zoom/finish.html",
        is_signed_in=is_signed_in,
        is_connected=is_signed_in and service.is_connected(current_host().id),
    )


def tell_refusal(error: str) -> None:
    if error == "access_denied":
        flash(_("Zoom was not connected: the permissions were declined."), "attention")
    else:
        flash(_("Zoom did not accept the connection. Please try once more."), "failed")


def finish() -> ResponseReturnValue:
    """Exchange the code and keep what was granted. 503: too many wait for Zoom; the code is still
    good, and the same address may be asked again."""
    user_id = current_host().id
    try:
        grant = oauth.exchange_code()
        is_tidy = service.link(user_id, grant, identity.of_grant(grant))
    except oauth.AuthorizationFailed as failure:
        code = failure.code or NUMBERS.get(failure.error)
        if code in ADVICE:
            forget_unfinished()
            return show_failure(code)
        tell_refusal(failure.error)
    except Unavailable as error:
        if error.reason == "zoom_busy":
            return show_busy()
        flash(_("Zoom does not answer just now. Please try again in a minute."), "failed")
    except service.LinkedElsewhere:
        flash(
            _(
                "This Zoom account is already connected to another CalSync account."
                " Disconnect it there first, or choose another Zoom account."
            ),
            "failed",
        )
    else:
        if Abilities.of(grant.scopes).creates:
            flash(_("Zoom is connected."), "done")
        if not is_tidy:
            flash(
                _(
                    "Zoom did not confirm that the earlier Zoom account is disconnected. To be sure,"
                    " remove CalSync there, in the Zoom App Marketplace under Manage > Installed Apps."
                ),
                "attention",
            )
    forget_unfinished()
    return see_other(url_for("settings.integrations"))


def show_busy() -> ResponseReturnValue:
    """503, with a link that asks for this very address once more."""
    response = render("zoom/busy.html", again=request.full_path)
    response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
    response.headers["Retry-After"] = str(RETRY_AFTER)
    return response


def is_answer_to_ours() -> bool:
    """Whether the state is one that this host started from this browser, and still young."""
    flow = session.get(FLOW)
    state = request.args.get("state", "")
    if not flow or f"_state_zoom_{state}" not in session or not current_user.is_authenticated:
        return False
    return bool(flow["user"] == current_host().id and utcnow().timestamp() < flow["until"])


@bp.post("/zoom/disconnect")
def disconnect() -> ResponseReturnValue:
    """Disconnect Zoom: tokens are deleted here at once, and given back to Zoom."""
    if turned_away := hosts_only():
        return turned_away
    is_confirmed = service.disconnect(current_host().id)
    flash(_("Zoom is disconnected. Existing meeting links stay valid."), "done")
    if not is_confirmed:
        flash(
            _(
                "Zoom did not confirm this. To be sure, remove CalSync in the Zoom App Marketplace"
                " under Manage > Installed Apps."
            ),
            "attention",
        )
    return see_other(url_for("settings.integrations"))


@bp.get("/zoomverify/verifyzoom.html")
def verify_domain() -> ResponseReturnValue:
    """The code by which Zoom checks that the domain is ours. :raises 404: none is set."""
    code = current_settings().zoom_verification or abort(404)
    return Response(escape(code), mimetype="text/html")
