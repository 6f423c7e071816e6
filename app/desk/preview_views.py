"""The host's preview of a page: what clients see, and for each closed day, why."""

from collections.abc import Mapping
from datetime import date

from flask import Blueprint, abort, url_for
from flask.typing import ResponseReturnValue

from ..accounts.gate import current_host, hosts_only
from ..booking_pages.offerings import offering_of
from ..booking_pages.service import page_of
from ..bookings.public_month import look_at, month_values, read_view, zone_values
from ..bookings.reasons import Reason, why_closed
from ..web.htmx import render

bp = Blueprint("preview", __name__, url_prefix="/dashboard/pages/<int:page_id>/preview")
bp.before_request(hosts_only)


@bp.get("")
def show(page_id: int) -> ResponseReturnValue:
    """The month as clients see it, live or not, with reasons. :raises 404: another's page."""
    page = page_of(current_host(), page_id) or abort(404)
    offering = offering_of(page.id)
    view = read_view(offering.page)
    return render(
        "desk/preview.html",
        "desk/_preview.html",
        is_preview=True,
        reasons=by_reason(why_closed(offering, view.month, view.zone)),
        **month_values(look_at(offering, view), url_for(".show", page_id=page_id)),
        **zone_values(offering.page, view.zone),
    )


def by_reason(reasons: Mapping[date, Reason]) -> list[tuple[Reason, list[date]]]:
    """The days of each reason, in the order of Reason."""
    return [
        (reason, days)
        for reason in Reason
        if (days := sorted(day for day, why in reasons.items() if why is reason))
    ]
