"""The host's booking pages: list, New Booking Page, edit, live or off, archive."""

import re
from collections.abc import Sequence
from datetime import date
from zoneinfo import ZoneInfo

from flask import Blueprint, abort, flash, g, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import NoResultFound
from werkzeug.datastructures import MultiDict

from ..accounts.gate import current_host, hosts_only
from ..core.clock import utcnow
from ..db.once import new_form_key, read_form_key
from ..i18n import current_language
from ..i18n import gettext as _
from ..schedules import public_holidays
from ..schedules.fields import MOST_ROWS, too_many_rows
from ..web.headers import may_lead_to_zoom
from ..web.htmx import is_htmx, render, see_other
from ..web.shown_again import shown_again_by
from ..zoom.service import makes_meetings
from . import service, slugs
from .differences import differences_of
from .forms import PageForm
from .models import BookingPage

OFFERED_HORIZON = 60  # days
NEW_PAGE = "new-page"  # whose form a once-only key is of
ROW_NUMBER = re.compile(r"[0-9]{1,4}")

bp = Blueprint("booking_pages", __name__, url_prefix="/dashboard/pages")
bp.before_request(hosts_only)


@bp.get("")
def index() -> ResponseReturnValue:
    """The host's pages, and those put away."""
    host = current_host()
    return render(
        "booking_pages/index.html",
        pages=service.pages_of(host),
        archived=service.pages_of(host, archived=True),
    )


@bp.get("/new")
def new() -> ResponseReturnValue:
    """New Booking Page, filled in with what suits most."""
    return render_form(new_page())


@bp.post("/new")
@shown_again_by(lambda: draw(new_page()))
def create() -> ResponseReturnValue:
    """Make the page, once for each form, or add or remove a row of the form. 409: the form has made
    its page before, and says something else now. 422: form errors."""
    sent = request.form.get("form_key")
    form_key = read_form_key(NEW_PAGE, sent, current_host().id)
    if sent and form_key is None:
        g.form_note = _("This form was open for too long. Please send it again.")
        page = new_page()
        return render_form(page, PageForm(page), 422)
    return save(new_page(), form_key)


@bp.get("/new/slug")
def suggest_slug() -> ResponseReturnValue:
    """The address field with a suggestion for `?title=`."""
    form = PageForm(new_page(), formdata=None)
    form.slug.data = slugs.suggest(request.args.get("title", ""))
    return render("booking_pages/_slug.html", form=form)


@bp.get("/holidays")
def next_holidays() -> ResponseReturnValue:
    """The next public holidays of `?holidays=`, a country: the form's part."""
    form = PageForm(new_page(), formdata=None)
    form.holidays.data = request.args.get("holidays")
    return render("booking_pages/_holidays.html", form=form, next_holidays=holidays_ahead(form))


@bp.get("/<int:page_id>")
def edit(page_id: int) -> ResponseReturnValue:
    """The page's form. :raises 404: another host's page."""
    return render_form(own_page_or_404(page_id))


@bp.post("/<int:page_id>")
@shown_again_by(lambda page_id: draw(own_page_or_404(page_id)))
def update(page_id: int) -> ResponseReturnValue:
    """Save the page, or add or remove a row of the form. 409: it was saved since the form was
    shown. 422: form errors. :raises 404:"""
    return save(own_page_or_404(page_id))


@bp.post("/<int:page_id>/live")
def set_live(page_id: int) -> ResponseReturnValue:
    """Open or close the page to clients. :raises 404:"""
    page = own_page_or_404(page_id)
    service.set_live(page, request.form.get("is_live") == "1")
    return after_change(page, _("The page is live.") if page.is_live else _("The page is off."))


@bp.post("/<int:page_id>/archive")
def archive(page_id: int) -> ResponseReturnValue:
    """Put the page away. :raises 404:"""
    service.archive(own_page_or_404(page_id))
    flash(_("The page is archived. Its bookings stay as they are."), "done")
    return see_other(url_for(".index"))


@bp.post("/<int:page_id>/restore")
def restore(page_id: int) -> ResponseReturnValue:
    """Take the page out of the archive. :raises 404:"""
    page = own_page_or_404(page_id)
    service.restore(page)
    flash(_("The page is back."), "done")
    return see_other(url_for(".index"))


def own_page_or_404(page_id: int) -> BookingPage:
    return service.page_of(current_host(), page_id) or abort(404)


def new_page() -> BookingPage:
    """An unsaved page with the defaults of its columns, in the host's zone.

    The horizon has none: SQLAlchemy would take a default for a horizon that was left empty.
    """
    page = BookingPage(timezone=current_host().timezone, horizon_days=OFFERED_HORIZON)
    for column in BookingPage.__table__.columns:
        if column.default is not None and column.default.is_scalar:
            setattr(page, column.key, column.default.arg)
    return page


def draw(page: BookingPage) -> ResponseReturnValue:
    """The page's form as it was sent."""
    return render_form(page, PageForm(page))


def save(page: BookingPage, form_key: str | None = None) -> ResponseReturnValue:
    """Make or change the page as it was typed, or change the form's rows. 422: form errors."""
    form = PageForm(page)
    if request.form.get("add") or request.form.get("remove"):
        wrong = change_rows(form, request.form)
        return render_form(page, form, 422 if wrong else 200, part="booking_pages/_rows.html")
    is_valid = form.validate_on_submit()
    if form_key and (made := service.page_made_by(current_host(), form_key)):
        return save_again(made)
    return keep(page, form, form_key) if is_valid else render_form(page, form, 422)


def keep(page: BookingPage, form: PageForm, form_key: str | None) -> ResponseReturnValue:
    """Make or change the page as a valid form says. 409: it was saved since the form was shown,
    and both are told. 422: the address is another's since a moment ago. :raises 404: it is gone."""
    try:
        if page.id:
            page = service.update_page(page, form.draft(), form.version_sent)
            flash(_("Saved."), "done")
        else:
            page = service.create_page(current_host(), form.draft(), form_key)
            flash(_("The page is live. Share its link."), "done")
    except service.MadeAlready as already:
        return save_again(already.page)
    except service.Stale:
        return render_conflict(page, form)
    except service.SlugTaken:
        form.slug.errors = [_("This address was taken a moment ago. Choose another.")]
        return render_form(page, form, 422)
    except NoResultFound:
        abort(404)
    return go_on(page)


def save_again(made: BookingPage) -> ResponseReturnValue:
    """A form of a new page that has made its page already: the same answer, or, where something
    else is typed by now, both to choose from."""
    form = PageForm(made)
    if not form.validate_on_submit():
        return render_form(made, form, 422)
    if service.says_the_same(made, form.draft()):
        return go_on(made)
    return render_conflict(made, form)


def go_on(page: BookingPage) -> ResponseReturnValue:
    """To the saved page, or to Zoom where that button saved it."""
    if request.form.get("then") == "zoom":
        return see_other(url_for("zoom.connect"))
    return see_other(url_for(".edit", page_id=page.id))


def render_conflict(page: BookingPage, form: PageForm) -> ResponseReturnValue:
    """409: what was typed, from now on a change of what is saved, and where the two differ."""
    form.version.data = page.version
    g.form_address = url_for(".update", page_id=page.id)
    return render_form(page, form, 409, differences=differences_of(form, page))


def change_rows(form: PageForm, sent: MultiDict[str, str]) -> bool:
    """Add a row (`add=hours:2` for Wednesday, `add=overrides`) or remove one (`remove=hours:5`).
    True: that cannot be, and the rows say why. :raises 400: rows of something else."""
    kind, _colon, which = (sent.get("add") or sent.get("remove") or "").partition(":")
    if kind not in {"hours", "overrides"}:
        abort(400)
    rows = form[kind]
    number = int(which) if ROW_NUMBER.fullmatch(which) else None
    if number is None and (kind == "hours" or sent.get("remove")):
        rows.errors = [_("This row could not be found. Choose it again.")]
    elif sent.get("remove"):
        rows.remove(number or 0)
    elif len(form.hours) + len(form.overrides) >= MOST_ROWS:
        rows.errors = [too_many_rows()]
    elif kind == "hours":
        number = number or 0
        rows.append_entry(dict(weekday=min(number, 6), **next_range(form, number)))
    else:
        rows.append_entry({})
    return bool(rows.errors)


def next_range(form: PageForm, weekday: int) -> dict[str, int]:
    """Where another range of that day most likely goes: an hour after its last, else 9 to 17."""
    closes = [row.closes.data for row in form.hours if row.weekday.data == weekday]
    last = max((minute for minute in closes if minute), default=None)
    if last is None:
        return dict(opens=service.NINE_TO_FIVE[0], closes=service.NINE_TO_FIVE[1])
    opens = min(last + 60, 1380)
    return dict(opens=opens, closes=min(opens + 120, 1440))


def render_form(
    page: BookingPage,
    form: PageForm | None = None,
    status: int = 200,
    *,
    part: str | None = None,
    differences: Sequence[tuple[str, str, str]] = (),
) -> ResponseReturnValue:
    host = current_host()
    form = form or PageForm(page, formdata=None)
    if not page.id and not read_form_key(NEW_PAGE, form.form_key.data, host.id):
        form.form_key.data = new_form_key(NEW_PAGE, host.id)
    may_lead_to_zoom()
    response = render(
        "booking_pages/form.html",
        part,
        page=page,
        form=form,
        differences=differences,
        next_holidays=holidays_ahead(form),
        makes_meetings=makes_meetings(host.id),
    )
    response.status_code = status
    return response


def holidays_ahead(form: PageForm) -> list[tuple[date, str]]:
    """The next days on which the form's country closes the page, from the host's today on."""
    today = utcnow().astimezone(ZoneInfo(current_host().timezone)).date()
    return public_holidays.next_holidays(form.holidays.data, today, current_language())


def after_change(page: BookingPage, words: str) -> ResponseReturnValue:
    """The page's row for htmx; for a browser, back to where the form was."""
    if is_htmx():
        return render("booking_pages/_page.html", page=page)
    flash(words, "done")
    return see_other(url_for(".index"))
