"""Booking pages with their hours.

Lengths are minutes; `opens` and `closes` are minutes after local midnight, 0 to 1440.
"""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ..accounts.models import User
from ..core.clock import utcnow
from ..db import Model
from ..db.once import MadeByForm
from ..db.types import one_of

TITLE_LENGTH = 120
SLUG_LENGTH = 64
DESCRIPTION_LENGTH = 2000
LOCATION_LENGTH = 300


class BookingPage(MadeByForm, Model):
    """What one shared link offers, and when. Its hours are read in `timezone`. Less than
    `change_notice` before the start its clients change a booking no more.

    `version` rises with each save that changes what the form shows: a form that was read before
    does not undo it.
    """

    __tablename__ = "booking_pages"
    __table_args__ = (
        CheckConstraint("slug = lower(slug)", name="slug_is_lower_case"),
        CheckConstraint("duration BETWEEN 5 AND 1440", name="duration_in_a_day"),
        CheckConstraint("increment IS NULL OR increment BETWEEN 5 AND 1440", name="increment"),
        CheckConstraint("buffer_before BETWEEN 0 AND 1440", name="buffer_before"),
        CheckConstraint("buffer_after BETWEEN 0 AND 1440", name="buffer_after"),
        CheckConstraint("notice >= 0", name="notice"),
        CheckConstraint("daily_limit IS NULL OR daily_limit > 0", name="daily_limit"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    slug: Mapped[str] = mapped_column(String(SLUG_LENGTH), unique=True)
    title: Mapped[str] = mapped_column(String(TITLE_LENGTH))
    description: Mapped[str] = mapped_column(Text, default="")
    location: Mapped[str] = mapped_column(String(LOCATION_LENGTH), default="")
    duration: Mapped[int] = mapped_column(default=30)
    increment: Mapped[int | None]
    buffer_before: Mapped[int] = mapped_column(default=0)
    buffer_after: Mapped[int] = mapped_column(default=0)
    notice: Mapped[int] = mapped_column(default=240)
    change_notice: Mapped[int] = mapped_column(default=0, server_default="0")
    horizon_days: Mapped[int | None]
    first_day: Mapped[date | None]
    last_day: Mapped[date | None]
    daily_limit: Mapped[int | None]
    timezone: Mapped[str] = mapped_column(String(64))
    holidays: Mapped[str | None] = mapped_column(String(8))
    auto_zoom: Mapped[bool] = mapped_column(default=False)
    is_live: Mapped[bool] = mapped_column(default=True)
    archived_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    version: Mapped[int] = mapped_column(default=1, server_default="1")

    host: Mapped[User] = relationship()
    hours: Mapped[list["PageHours"]] = relationship(
        cascade="all, delete-orphan",
        order_by="(PageHours.weekday, PageHours.opens)",
        passive_deletes=True,
    )
    overrides: Mapped[list["PageOverride"]] = relationship(
        cascade="all, delete-orphan",
        order_by="(PageOverride.date, PageOverride.opens)",
        passive_deletes=True,
    )
    addresses: Mapped[list["PageAddress"]] = relationship(
        cascade="all, delete-orphan", order_by="PageAddress.id", passive_deletes=True
    )
    reminders: Mapped[list["PageReminder"]] = relationship(
        cascade="all, delete-orphan", order_by="PageReminder.minutes.desc()", passive_deletes=True
    )


class PageAddress(Model):
    """A slug that a page has or had. It is nobody else's for as long as the page exists, and
    leads to the page: the one unique constraint over all of them is what decides a race."""

    __tablename__ = "page_addresses"
    __table_args__ = (CheckConstraint("slug = lower(slug)", name="slug_is_lower_case"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    page_id: Mapped[int] = mapped_column(
        ForeignKey("booking_pages.id", ondelete="CASCADE"), index=True
    )
    slug: Mapped[str] = mapped_column(String(SLUG_LENGTH), unique=True)


class PageHours(Model):
    """One range of one weekday, Monday 0."""

    __tablename__ = "page_hours"
    __table_args__ = (
        CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday"),
        CheckConstraint("opens >= 0 AND opens < closes AND closes <= 1440", name="range"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    page_id: Mapped[int] = mapped_column(
        ForeignKey("booking_pages.id", ondelete="CASCADE"), index=True
    )
    weekday: Mapped[int]
    opens: Mapped[int]
    closes: Mapped[int]


class PageOverride(Model):
    """One range of one date, in place of that weekday's hours; without a range, a day off."""

    __tablename__ = "page_overrides"
    __table_args__ = (
        CheckConstraint(
            "(opens IS NULL AND closes IS NULL)"
            " OR (opens >= 0 AND opens < closes AND closes <= 1440)",
            name="range",
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    page_id: Mapped[int] = mapped_column(
        ForeignKey("booking_pages.id", ondelete="CASCADE"), index=True
    )
    date: Mapped[date]
    opens: Mapped[int | None]
    closes: Mapped[int | None]


class Party(StrEnum):
    """Who is reminded of a booking."""

    CLIENT = "client"
    HOST = "host"


class PageReminder(Model):
    """A mail that reminds one party of the page's bookings, `minutes` before they start."""

    __tablename__ = "page_reminders"
    __table_args__ = (
        CheckConstraint(one_of("party", Party), name="party_is_known"),
        CheckConstraint("minutes > 0", name="minutes"),
        UniqueConstraint("page_id", "party", "minutes"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    page_id: Mapped[int] = mapped_column(ForeignKey("booking_pages.id", ondelete="CASCADE"))
    party: Mapped[str] = mapped_column(String(8))
    minutes: Mapped[int]
