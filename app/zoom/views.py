"""Connecting, and coming back from Zoom."""

from datetime import timedelta

from flask import Blueprint, flash, g, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from ..accounts.gate import current_host, hosts_only
from ..clock import utcnow
from ..extensions import oauth as clients
from ..i18n import gettext as _
from ..outbox import Unavailable
from ..web import public_url, render, see_other
from . import oauth, service

bp = Blueprint("zoom", __name__)

STATE_LIFE = timedelta(minutes=10)
FLOW = "zoom_flow"


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
    if not is_answer_to_ours():
        forget_unfinished()
        return render("zoom/finish.html", is_signed_in=current_user.is_authenticated)
    if request.args.get("error"):
        forget_unfinished()
        flash(_("Zoom was not connected: the permissions were declined."), "attention")
        return see_other(url_for("settings.integrations"))
    try:
        grant = oauth.exchange_code()
    except oauth.AuthorizationFailed:
        flash(_("Zoom did not accept the connection. Please try once more."), "failed")
    except Unavailable:
        flash(_("Zoom does not answer just now. Please try again in a minute."), "failed")
    else:
        service.link(current_host().id, grant)
        flash(_("Zoom is connected."), "done")
    forget_unfinished()
    return see_other(url_for("settings.integrations"))


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
    service.disconnect(current_host().id)
    flash(_("Zoom is disconnected. Existing meeting links stay valid."), "done")
    return see_other(url_for("settings.integrations"))
