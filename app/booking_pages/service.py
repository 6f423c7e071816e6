"""Making and changing booking pages, and reading their rules. Only these functions commit."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from ..accounts.models import User
from ..core.clock import utcnow
from ..db import db
from ..events import Action, Actor, record
from . import slugs
from .models import BookingPage, PageAddress, PageHours, PageOverride, PageReminder, Party

NINE_TO_FIVE = (540, 1020)
WORKING_DAYS = range(5)
MOST_SUGGESTIONS = 8  # of an address, while others take each one first


class SlugTaken(Exception):
    """Another page has or had this address."""


class Stale(Exception):
    """The page was saved since the form was filled in, and says something else now."""


class MadeAlready(Exception):
    """The form has made its page before: `page`."""

    def __init__(self, page: BookingPage) -> None:
        super().__init__(page.id)
        self.page = page


@dataclass(frozen=True)
class Draft:
    """A page as its form describes it: columns by name, hours as (weekday, opens, closes),
    overrides as (date, opens, closes), where None closes the day, and reminders as (party, minutes
    before the start), each once. An empty slug is the address that the page has, or a suggested one."""

    columns: dict[str, object]
    hours: Sequence[tuple[int, int, int]]
    overrides: Sequence[tuple[date, int | None, int | None]]
    reminders: Sequence[tuple[str, int]] = ()

    def leads(self, party: str) -> list[int]:
        """How many minutes before the start a party is reminded, the longest first."""
        return sorted((minutes for whom, minutes in self.reminders if whom == party), reverse=True)


def default_reminders() -> list[tuple[str, int]]:
    """The client a day and an hour before; the host, whose calendar reminds too, not at all."""
    return [(Party.CLIENT, 1440), (Party.CLIENT, 60)]


def default_hours() -> list[tuple[int, int, int]]:
    """Monday to Friday, 9 to 17."""
    return [(weekday, *NINE_TO_FIVE) for weekday in WORKING_DAYS]


def pages_of(host: User, *, archived: bool = False) -> Sequence[BookingPage]:
    """The host's pages, the newest last."""
    wanted = BookingPage.archived_at.is_not(None) if archived else BookingPage.archived_at.is_(None)
    return db.session.scalars(
        select(BookingPage).where(BookingPage.user_id == host.id, wanted).order_by(BookingPage.id)
    ).all()


def titles_of(host: User) -> Sequence[tuple[int, str]]:
    """Id and title of each of the host's pages, archived ones too, the newest last."""
    rows = db.session.execute(
        select(BookingPage.id, BookingPage.title)
        .where(BookingPage.user_id == host.id)
        .order_by(BookingPage.id)
    )
    return [(number, title) for number, title in rows]


def page_of(host: User, page_id: int) -> BookingPage | None:
    """The host's own page; None for another's."""
    return db.session.scalar(
        select(BookingPage).where(BookingPage.id == page_id, BookingPage.user_id == host.id)
    )


def page_made_by(host: User, form_key: str) -> BookingPage | None:
    """The host's page that a form with this once-only key has made."""
    return db.session.scalar(
        select(BookingPage).where(BookingPage.form_key == form_key, BookingPage.user_id == host.id)
    )


def create_page(host: User, draft: Draft, form_key: str | None = None) -> BookingPage:
    """Make a live page and commit. Raises SlugTaken for an address that was asked for; an empty
    one is suggested until it is free. Raises MadeAlready when the form's once-only key has made
    a page before."""
    host_id = host.id
    for turn in range(MOST_SUGGESTIONS):
        page = BookingPage(
            user_id=host_id, is_live=True, created_at=utcnow(), form_key=form_key, version=1
        )
        asked_for = draft.columns.get("slug")
        slug = str(asked_for or slugs.suggest(str(draft.columns["title"]), is_contested=turn > 2))
        _fill(page, draft, slug)
        page.addresses = [PageAddress(slug=slug)]
        db.session.add(page)
        try:
            db.session.flush()
            _record(Action.PAGE_MADE, page)
            db.session.commit()
        except IntegrityError as error:
            db.session.rollback()
            if form_key and (made := page_made_by(host, form_key)):
                raise MadeAlready(made) from error
            if slugs.is_free(slug):
                raise
            if asked_for:
                raise SlugTaken from error
            continue
        return page
    raise SlugTaken


def update_page(page: BookingPage, draft: Draft, version: int | None = None) -> BookingPage:
    """Change a page and commit. Bookings that exist stay as they are. An empty slug keeps the
    address it has.

    `version` is the one that the form was filled in from; None asks for no comparison. What is
    saved already is not saved again, whatever the version: a second press changes nothing.

    Raises SlugTaken, Stale when others have saved something else since `version`, and
    NoResultFound when the page is gone.
    """
    page = _hold(page.id)
    if says_the_same(page, draft):
        db.session.rollback()
        return page
    if version is not None and version != page.version:
        db.session.rollback()
        raise Stale
    page_id = page.id
    slug = str(draft.columns.get("slug") or page.slug)
    changed = what_differs(page, draft)
    with db.session.no_autoflush:
        _fill(page, draft, slug)
        if slug not in {address.slug for address in page.addresses}:
            page.addresses.append(PageAddress(slug=slug))
    page.version += 1
    try:
        _record(Action.PAGE_CHANGED, page, changed=changed)
        db.session.commit()
    except IntegrityError as error:
        db.session.rollback()
        if slugs.is_free(slug, page_id):
            raise
        raise SlugTaken from error
    return page


def _hold(page_id: int) -> BookingPage:
    """The page as it is now, locked until the transaction ends. Clients may book meanwhile."""
    db.session.expire_all()
    return db.session.scalars(
        select(BookingPage)
        .where(BookingPage.id == page_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one()


def _fill(page: BookingPage, draft: Draft, slug: str) -> None:
    for name, value in (draft.columns | {"slug": slug}).items():
        setattr(page, name, value)
    page.hours = [
        PageHours(weekday=weekday, opens=opens, closes=closes)
        for weekday, opens, closes in draft.hours
    ]
    page.overrides = [
        PageOverride(date=day, opens=opens, closes=closes) for day, opens, closes in draft.overrides
    ]
    # Rows that stay are kept: new ones are inserted first, and each is unique.
    kept = {(row.party, row.minutes): row for row in page.reminders}
    page.reminders = [
        kept.get((party, minutes)) or PageReminder(party=party, minutes=minutes)
        for party, minutes in draft.reminders
    ]


def says_the_same(page: BookingPage, draft: Draft) -> bool:
    """Whether saving the draft would change nothing."""
    return not what_differs(page, draft)


def what_differs(page: BookingPage, draft: Draft) -> list[str]:
    """The names of what saving the draft would change."""
    saved = draft_of(page)
    names = [
        name
        for name, value in draft.columns.items()
        if value != saved.columns[name] and (name != "slug" or value)
    ]
    if sorted(draft.hours) != sorted(saved.hours):
        names.append("hours")
    if sorted(map(str, draft.overrides)) != sorted(map(str, saved.overrides)):
        names.append("overrides")
    names += [f"{party}_reminders" for party in Party if draft.leads(party) != saved.leads(party)]
    return names


def _record(
    action: Action, page: BookingPage, **details: str | int | bool | list[str] | None
) -> None:
    record(action, Actor.HOST, host_id=page.user_id, subject_id=page.id, **details)


def draft_of(page: BookingPage) -> Draft:
    """A page as a form would describe it."""
    return Draft(
        columns={column.key: getattr(page, column.key) for column in BookingPage.__table__.columns},
        hours=[(row.weekday, row.opens, row.closes) for row in page.hours],
        overrides=[(row.date, row.opens, row.closes) for row in page.overrides],
        reminders=[(row.party, row.minutes) for row in page.reminders],
    )


def set_live(page: BookingPage, is_live: bool) -> None:
    """Open or close a page to clients and commit."""
    page.is_live = is_live
    _record(Action.PAGE_TURNED_ON if is_live else Action.PAGE_TURNED_OFF, page)
    db.session.commit()


def archive(page: BookingPage) -> None:
    """Put a page away and commit; its bookings stay."""
    page.archived_at = utcnow()
    _record(Action.PAGE_ARCHIVED, page)
    db.session.commit()


def restore(page: BookingPage) -> None:
    """Take a page out of the archive and commit."""
    page.archived_at = None
    _record(Action.PAGE_RESTORED, page)
    db.session.commit()
