"""The kinds of mail about a booking. Which there are is told from above, by `register`: this layer plans
them with what happens to a booking, and knows no word of them."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from .models import Booking


class Deed(StrEnum):
    """What happens to a booking, in whose transaction mails are planned."""

    BOOKED = "booked"
    MOVED = "moved"
    CANCELLED = "cancelled"


class Occasion(ABC):
    """A kind of mail about a booking, to an attendee, to the host, or to both.

    Its opening words are the macro `opening` of the template `mail/<name>.txt`; the rest of the mail
    is shared, and these switches say what of it is told.
    """

    name: ClassVar[str]  # in a task's kind: `mail.host.<name>`
    after: ClassVar[Deed | None] = None  # None: planned by a verb of its own
    # What the host's timeline calls the mail to each; None: that one gets none.
    to_attendee: ClassVar[Any] = None
    to_host: ClassVar[Any] = None
    # Of the calendar part (RFC 5546); None: without one, as a REQUEST would act as an update.
    method: ClassVar[str | None] = "REQUEST"
    tells_link: ClassVar[bool] = True
    tells_details: ClassVar[bool] = True
    asks_whether_wanted: ClassVar[bool] = False  # "Not you? Cancel here", and how calendars take it
    offers_cancelling: ClassVar[bool] = False  # to the host, one press away
    is_farewell: ClassVar[bool] = False  # the booking is no more

    @property
    def labels(self) -> Mapping[str, Any]:
        """To whom it goes, `attendee` or `host`, each with its label."""
        both = {"attendee": self.to_attendee, "host": self.to_host}
        return {party: label for party, label in both.items() if label is not None}

    def due_at(self, booking: Booking, *, waits_for_link: bool) -> datetime | None:
        """When it is to leave, aware UTC; None: at once. `waits_for_link`: a meeting is being made."""
        del booking, waits_for_link
        return None

    @abstractmethod
    def subject(self, words: Mapping[str, str]) -> str:
        """The subject in the language in force, of `title`, `name` (the other party's) and `when`."""

    def is_overtaken(self, booking: Booking, *, has_link_mail: bool) -> bool:
        """Whether nobody needs it any more. `has_link_mail`: its reader gets the link by a mail of
        its own."""
        del has_link_mail
        return not booking.is_live or booking.is_past

    def values(self, _booking: Booking, _party: str) -> dict[str, object]:
        """What its template needs besides booking and reader."""
        return {}

    def headers(self, _booking: Booking, _party: str) -> Mapping[str, str]:
        """Headers that no other mail has."""
        return {}


_occasions: dict[str, Occasion] = {}


def register(occasion: Occasion) -> None:
    """Let there be this kind of mail, for the whole process."""
    _occasions[occasion.name] = occasion


def named(name: str) -> Occasion:
    """The occasion of a task's kind. Raises KeyError."""
    return _occasions[name]


def mail_kind(party: str, occasion: str) -> str:
    """`mail.attendee.confirmed`: what is written to whom."""
    return f"mail.{party}.{occasion}"


def kinds() -> Iterator[str]:
    """Every task kind that is a mail about a booking."""
    for occasion in _occasions.values():
        for party in occasion.labels:
            yield mail_kind(party, occasion.name)


def label(kind: str) -> str:
    """What the host's timeline calls a task of this kind; empty where it is no such mail."""
    _mail, _dot, rest = kind.partition(".")
    party, _dot, name = rest.partition(".")
    occasion = _occasions.get(name)
    return str(occasion.labels.get(party, "")) if occasion else ""


def planned(
    deed: Deed, booking: Booking, *, waits_for_link: bool
) -> list[tuple[str, datetime | None]]:
    """The kinds of mail that follow from a deed, each with the instant at which it is due."""
    return [
        (mail_kind(party, occasion.name), occasion.due_at(booking, waits_for_link=waits_for_link))
        for occasion in _occasions.values()
        if occasion.after == deed
        for party in occasion.labels
    ]
