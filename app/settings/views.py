"""Settings: the profile, and Integrations with the Zoom section."""

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, flash, request, url_for
from flask.typing import ResponseReturnValue

from ..accounts import service as accounts
from ..accounts.gate import current_host, hosts_only
from ..booking_pages.service import pages_of
from ..i18n import LANGUAGES
from ..i18n import gettext as _
from ..web.htmx import render, see_other
from ..web.rate_limits import limits
from ..web.shown_again import shown_again_by
from ..zoom.tokens import connection_of
from . import diagnosis
from .forms import ProfileForm

bp = Blueprint("settings", __name__, url_prefix="/settings")
bp.before_request(hosts_only)


@bp.get("")
def profile() -> ResponseReturnValue:
    """Name, zone and language of the host."""
    return render_profile(ProfileForm(current_host(), formdata=None))


@bp.post("")
@shown_again_by(lambda: render_profile(in_new_language(ProfileForm(current_host()))))
def update_profile() -> ResponseReturnValue:
    """Save the profile. 409: it was changed since the form was shown. 422: form errors."""
    host = current_host()
    form = ProfileForm(host)
    if not form.validate_on_submit():
        return render_profile(form, 422)
    try:
        accounts.update_profile(
            host, form.name.data, form.timezone.data, form.locale.data, form.version_sent
        )
    except accounts.Stale:
        form.version.data = accounts.profile_version(host)
        return render_profile(form, 409, form.differences(host))
    flash(_("Saved."), "done")
    return see_other(url_for(".profile"))


def in_new_language(form: ProfileForm) -> ProfileForm:
    """A language's button on this page chooses what the form's own field would."""
    if (language := request.form.get("lang")) in LANGUAGES:
        form.locale.data = language
    return form


def render_profile(
    form: ProfileForm, status: int = 200, differences: Sequence[tuple[str, str, str]] = ()
) -> ResponseReturnValue:
    response = render("settings/profile.html", form=form, differences=differences)
    response.status_code = status
    return response


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
