"""Settings: the address of the host's calendar feed, made, made anew and turned off."""

from flask import Blueprint, flash, url_for
from flask.typing import ResponseReturnValue

from ..accounts import feed
from ..accounts.gate import current_host, hosts_only
from ..i18n import gettext as _
from ..web.addresses import public_url
from ..web.htmx import render, see_other
from ..web.rate_limits import limits
from .views import zoom_section

bp = Blueprint("feed_address", __name__, url_prefix="/settings/integrations/feed")
bp.before_request(hosts_only)


@bp.post("")
@limits("feed address", account=lambda: current_host().id)
def make() -> ResponseReturnValue:
    """Make the feed's address, or a new one in place of it, and show it: this once, since only its
    fingerprint is kept."""
    token = feed.make_feed(current_host())
    address = public_url("feed.show", token=token)
    return render("settings/integrations.html", feed_address=address, **zoom_section())


@bp.post("/off")
@limits("feed address", account=lambda: current_host().id)
def end() -> ResponseReturnValue:
    """Turn the feed off."""
    feed.end_feed(current_host())
    flash(_("The calendar feed is off. Its address no longer works."), "done")
    return see_other(url_for("settings.integrations") + "#feed")
