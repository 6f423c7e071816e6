"""What has failed, by kind and reason, and one press to try it all once more. Admins only."""

from flask import Blueprint, flash, request, url_for
from flask.typing import ResponseReturnValue

from ..i18n import ngettext
from ..tasks import bulk
from ..web.htmx import render, see_other
from .queues import guard

bp = Blueprint("failed", __name__, url_prefix="/admin/failed")
bp.before_request(guard)
LONGEST = 60


@bp.get("")
def show() -> ResponseReturnValue:
    """The list."""
    return render("admin/failed.html", failed=bulk.failed_tasks())


@bp.post("")
def retry() -> ResponseReturnValue:
    """Try those of a kind and reason once more, or all of them."""
    kind, reason = (request.form.get(name, "")[:LONGEST] for name in ("kind", "reason"))
    done = bulk.retry_failed(kind, reason)
    flash(
        ngettext("%(num)d task is tried once more.", "%(num)d tasks are tried once more.", done),
        "done",
    )
    return see_other(url_for("failed.show"))
