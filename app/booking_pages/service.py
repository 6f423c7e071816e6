"""Making and changing booking pages, and reading their rules. Only these functions commit."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from ..accounts.models import User
from ..clock import utcnow
from ..extensions import db
from . import slugs
from .models import BookingPage, PageHours, PageOverride

NINE_TO_FIVE = (540, 1020)
WORKING_DAYS = range(5)


class SlugTaken(Exception):
    """Another page has this address."""


@dataclass(frozen=True)
class Draft:
    """A page as its form describes it: columns by name, hours as (weekday, opens, closes) and
    overrides as (date, opens, closes), where None closes the day. An empty slug is suggested."""

    columns: dict[str, object]
    hours: Sequence[tuple[int, int, int]]
    overrides: Sequence[tuple[date, int | None, int | None]]


def default_hours() -> list[tuple[int, int, int]]:
    """Monday to Friday, 9 to 17."""
    return [(weekday, *NINE_TO_FIVE) for weekday in WORKING_DAYS]


def pages_of(host: User, *, archived: bool = False) -> Sequence[BookingPage]:
    """The host's pages, the newest last."""
    wanted = BookingPage.archived_at.is_not(None) if archived else BookingPage.archived_at.is_(None)
    return db.session.scalars(
        select(BookingPage).where(BookingPage.user_id == host.id, wanted).order_by(BookingPage.id)
    ).all()


def page_of(host: User, page_id: int) -> BookingPage | None:
    """The host's own page; None for another's."""
    return db.session.scalar(
        select(BookingPage).where(BookingPage.id == page_id, BookingPage.user_id == host.id)
    )


def create_page(host: User, draft: Draft) -> BookingPage:
    """Make a live page and commit. Raises SlugTaken."""
    page = BookingPage(user_id=host.id, is_live=True, created_at=utcnow())
    return _save(page, draft)


def update_page(page: BookingPage, draft: Draft) -> BookingPage:
    """Change a page and commit. Bookings that exist stay as they are. Raises SlugTaken."""
    return _save(page, draft)


def _save(page: BookingPage, draft: Draft) -> BookingPage:
    for name, value in draft.columns.items():
        setattr(page, name, value)
    page.slug = page.slug or slugs.suggest(page.title)
    page.hours = [
        PageHours(weekday=weekday, opens=opens, closes=closes)
        for weekday, opens, closes in draft.hours
    ]
    page.overrides = [
        PageOverride(date=day, opens=opens, closes=closes) for day, opens, closes in draft.overrides
    ]
    slug, page_id = page.slug, page.id
    db.session.add(page)
    try:
        db.session.commit()
    except IntegrityError as error:
        db.session.rollback()
        if slugs.is_free(slug, page_id):
            raise
        raise SlugTaken from error
    return page


def set_live(page: BookingPage, is_live: bool) -> None:
    """Open or close a page to clients and commit."""
    page.is_live = is_live
    db.session.commit()


def archive(page: BookingPage) -> None:
    """Put a page away and commit; its bookings stay."""
    page.archived_at = utcnow()
    db.session.commit()


def restore(page: BookingPage) -> None:
    """Take a page out of the archive and commit."""
    page.archived_at = None
    db.session.commit()
