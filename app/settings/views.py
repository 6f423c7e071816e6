"""Settings: the profile, and Integrations with the Zoom section."""

from typing import Any

from flask import Blueprint, flash, url_for
from flask.typing import ResponseReturnValue

from ..accounts import service as accounts
from ..accounts.gate import current_host, hosts_only
from ..booking_pages.service import pages_of
from ..i18n import gettext as _
from ..rate_limits import limits
from ..web import render, see_other
from ..zoom.tokens import connection_of
from . import diagnosis
from .forms import ProfileForm

bp = Blueprint("settings", __name__, url_prefix="/settings")
bp.before_request(hosts_only)


@bp.get("")
def profile() -> ResponseReturnValue:
    """Name, zone and language of the host."""
    return render("settings/profile.html", form=ProfileForm(current_host(), formdata=None))


@bp.post("")
def update_profile() -> ResponseReturnValue:
    """Save the profile. 422: form errors."""
    host = current_host()
    form = ProfileForm(host)
    if not form.validate_on_submit():
        return render("settings/profile.html", form=form), 422
    accounts.update_profile(host, form.name.data, form.timezone.data, form.locale.data)
    flash(_("Saved."), "done")
    return see_other(url_for(".profile"))


@bp.get("/integrations")
def integrations() -> ResponseReturnValue:
    """The Zoom Integration section."""
    return render("settings/integrations.html", **zoom_section())


def zoom_section() -> dict[str, Any]:
    host = current_host()
    return {
        "connection": connection_of(host.id),
        "auto_pages": [page for page in pages_of(host) if page.auto_zoom],
    }


@bp.post("/integrations/diagnosis")
@limits("diagnose", account=lambda: current_host().id)
def diagnose() -> ResponseReturnValue:
    """Find out why no meetings are made. It asks Zoom, and renews the token by that."""
    found = diagnosis.diagnose(current_host())
    # The Zoom section says what is so afterwards.
    return render(
        "settings/integrations.html",
        "settings/_integrations.html",
        diagnosis=found,
        **zoom_section(),
    )
