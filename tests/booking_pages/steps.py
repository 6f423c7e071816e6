"""What several files of this folder do with the app in the same words."""

from datetime import date

from sqlalchemy import select

from app.booking_pages.models import BookingPage
from app.db import db
from tests.support.visitor import Form, Page, Visitor

NEW = "/dashboard/pages/new"


WORKING_WEEK = [(weekday, 540, 1020) for weekday in range(5)]


def token(visitor: Visitor) -> str:
    """The session's, from a small page: the form of a page offers every zone there is."""
    return str(visitor.get("/settings/integrations").all("[name=csrf_token]")[0]["value"])


def post_new(visitor: Visitor, **values: str) -> Page:
    """Exactly these fields and the form's token, nothing that the form offers."""
    return visitor.post(NEW, {"csrf_token": token(visitor)} | values)


def only_page() -> BookingPage:
    return db.session.scalars(select(BookingPage)).one()


def hours_of(page: BookingPage) -> list[tuple[int, int, int]]:
    return [(row.weekday, row.opens, row.closes) for row in page.hours]


def overrides_of(page: BookingPage) -> list[tuple[date, int | None, int | None]]:
    return [(row.date, row.opens, row.closes) for row in page.overrides]


def page_form(visitor: Visitor, page: BookingPage) -> Form:
    path = f"/dashboard/pages/{page.id}"
    return visitor.get(path).form_to(path)
