"""How often what may be done: one table of limits, and the way in which views keep to it.

What is counted is counted before it is done, so many who ask at once cannot pass more than the
limit, and given back where it was not done after all. Counters are kept under keyed hashes:
neither Valkey nor a log learns a mail address or the address of a visitor.
"""

import ipaddress
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import wraps
from typing import ParamSpec, Self, TypeVar

from flask import Flask, current_app, request
from werkzeug.exceptions import TooManyRequests

from ..core.config import Settings
from ..core.crypto import keyed_hash
from ..core.logs import log
from ..i18n import gettext as _
from ..i18n import length_in_words
from .gates import NotNow
from .limit_storage import SteadyStorage

P = ParamSpec("P")
T = TypeVar("T")

HOUR, DAY = 3600, 86_400  # seconds
LONGEST_KEY = 320  # characters of an address that are looked at; none that is valid is longer


class Whose(StrEnum):
    """Whose limit it is, for the words."""

    NETWORK = "network"
    PAGE = "page"
    CLIENT = "client"
    PASSWORD = "password"  # noqa: S105  (no password)
    BOOKING = "booking"
    OWN = "own"


@dataclass(frozen=True)
class Limit:
    """At most so many in so many seconds, counted for each value of `by` together."""

    by: tuple[str, ...]
    windows: tuple[tuple[int, int], ...]  # (most, seconds)
    whose: Whose


# The figures are argued in docs/decisions.md and told in docs/operations.md. Of each name the
# narrowest comes first: who is stopped there takes nothing from the counters that others share.
TABLE: dict[str, tuple[Limit, ...]] = {
    # Forms of people without an account, whatever becomes of them.
    "form": (Limit(("network",), ((300, HOUR),), Whose.NETWORK),),
    # A client's switch for reminders: mail providers press it for many, from few networks.
    "reminders": (Limit(("booking",), ((60, HOUR),), Whose.OWN),),
    # Join addresses that are no booking's; those that are, are not counted.
    "join": (Limit(("network",), ((300, HOUR),), Whose.OWN),),
    # Bookings that are made.
    "book": (
        Limit(("client",), ((10, HOUR), (20, DAY)), Whose.CLIENT),
        Limit(("network", "host"), ((40, HOUR), (60, DAY)), Whose.NETWORK),
        Limit(("network",), ((80, HOUR), (200, DAY)), Whose.NETWORK),
        Limit(("page",), ((100, HOUR),), Whose.PAGE),
        Limit(("host",), ((300, DAY),), Whose.PAGE),
    ),
    # Bookings that a host makes for clients, each with a mail in the host's name.
    "book for a client": (Limit(("host",), ((100, HOUR), (200, DAY)), Whose.OWN),),
    # Those of both that want a meeting of Zoom's, which makes a hundred a day for one user.
    "meeting": (Limit(("host",), ((80, DAY),), Whose.PAGE),),
    # Each is a mail to two people, and a call to Zoom.
    "move": (Limit(("booking",), ((10, HOUR), (20, DAY)), Whose.BOOKING),),
    "sign-up": (Limit(("network",), ((30, HOUR), (100, DAY)), Whose.NETWORK),),
    # Sign-ins, right or wrong; then those with a wrong password.
    "sign-in": (Limit(("network",), ((120, HOUR),), Whose.NETWORK),),
    "wrong password": (
        Limit(("account", "network"), ((10, HOUR),), Whose.PASSWORD),
        Limit(("network",), ((30, HOUR),), Whose.PASSWORD),
    ),
    # Of those who have never signed in to this account from their network, all together.
    "stranger's wrong password": (Limit(("account",), ((30, HOUR),), Whose.PASSWORD),),
    # A browser that has signed in to this account before has counters of its own.
    "known browser's sign-in": (Limit(("account", "browser"), ((60, HOUR),), Whose.OWN),),
    "known browser's wrong password": (
        Limit(("account", "browser"), ((10, HOUR),), Whose.PASSWORD),
    ),
    # The password once more, by someone who is signed in.
    "confirm": (Limit(("account",), ((10, HOUR),), Whose.PASSWORD),),
    "diagnose": (Limit(("account",), ((60, HOUR),), Whose.OWN),),
    "export": (Limit(("account",), ((60, HOUR),), Whose.OWN),),
    # Reading a host's calendar feed, and addresses that are no feed.
    "feed": (Limit(("feed",), ((240, HOUR),), Whose.OWN),),
    "unknown feed": (Limit(("network",), ((60, HOUR),), Whose.NETWORK),),
    "feed address": (Limit(("account",), ((30, HOUR),), Whose.OWN),),
}


class LimitReached(NotNow, TooManyRequests):
    """429. The words say whose limit it is and how long it lasts; so does Retry-After."""

    def __init__(self, whose: Whose, seconds: int) -> None:
        super().__init__(retry_after=seconds)
        self.whose = whose
        self.seconds = seconds

    @property
    def title(self) -> str:
        return _("Too many attempts")

    @property
    def words(self) -> str:
        length = length_in_words(_whole(self.seconds))
        match self.whose:
            case Whose.PASSWORD:
                return _(
                    "The limit of password tries has been reached."
                    " You can try again in %(length)s.",
                    length=length,
                )
            case Whose.CLIENT:
                return _(
                    "This email address has reached its limit of bookings."
                    " You can book with it again in %(length)s.",
                    length=length,
                )
            case Whose.PAGE:
                return _(
                    "This booking page has reached its limit of bookings."
                    " You can book again in %(length)s.",
                    length=length,
                )
            case Whose.BOOKING:
                return _(
                    "This booking has been moved often. It can be moved again in %(length)s.",
                    length=length,
                )
            case Whose.NETWORK:
                return _(
                    "Your network has reached its limit for forms sent."
                    " You can try again in %(length)s.",
                    length=length,
                )
            case Whose.OWN:
                return _(
                    "You have reached the limit for this. You can try again in %(length)s.",
                    length=length,
                )


def _whole(seconds: int) -> int:
    """Minutes, rounded up; whole hours where there are more than two."""
    minutes = math.ceil(seconds / 60)
    return minutes if minutes <= 120 else math.ceil(minutes / 60) * 60


def init_app(app: Flask, settings: Settings) -> None:
    """Give `app` its counters; none where RATELIMIT_ENABLED is false."""
    storage = SteadyStorage(settings.redis_url) if settings.ratelimit_enabled else None
    app.extensions["limits"] = storage


@dataclass(frozen=True)
class Counted:
    """What has been counted for one deed. As a context: what raises inside is given back."""

    keys: tuple[str, ...] = ()

    def give_back(self) -> None:
        """Count it no longer: it was not done, or is nothing to be counted."""
        if storage := _storage():
            for key in self.keys:
                storage.give_back(key)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_error: object) -> None:
        if kind is not None:
            self.give_back()


def count(*names: str, **values: object) -> Counted:
    """Count one deed under each of `names`, before it is done.

    `values` are what the table counts by; the visitor's network is known. Raises LimitReached
    when any of the limits is full, and nothing is counted then.
    """
    storage = _storage()
    if storage is None:
        return Counted()
    windows = list(_windows(names, {"network": network(), **values}))
    taken: list[str] = []
    for key, most, seconds, whose in windows:
        if not storage.take(key, most, seconds):
            Counted(tuple(taken)).give_back()
            log.info("limit reached", names=names, whose=whose.value)
            raise _refusal(storage, windows)
        taken.append(key)
    return Counted(tuple(taken))


def limits(
    *names: str, **values: Callable[[], object]
) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Count each call of a view; `values` are asked then. For views where nothing typed is lost
    with a page that says no: others count inside, and show their form again. :raises 429:"""

    def decorate(view: Callable[P, T]) -> Callable[P, T]:
        @wraps(view)
        def counted(*args: P.args, **kwargs: P.kwargs) -> T:
            count(*names, **{name: ask() for name, ask in values.items()})
            return view(*args, **kwargs)

        return counted

    return decorate


def remember(deed: str, seconds: int, **values: object) -> None:
    """Know for so long that this has happened."""
    if storage := _storage():
        storage.take(_key(deed, tuple(values), values), 1, seconds)


def remembers(deed: str, seconds: int, **values: object) -> bool:
    """Whether it has happened in the last so many seconds. What Valkey has lost has not."""
    storage = _storage()
    return bool(storage and storage.seconds_left(_key(deed, tuple(values), values), 1, seconds))


def network() -> str:
    """The visitor's network: /24 of IPv4, /64 of IPv6, which one household or office has whole."""
    try:
        address = ipaddress.ip_address((request.remote_addr or "").partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    prefix = 24 if address.version == 4 else 64
    return str(ipaddress.ip_network((address, prefix), strict=False))


def mailbox(address: str) -> str:
    """One name for all spellings of an address, already folded, that reach one mailbox: without
    what is behind a plus sign, and Gmail's without its dots."""
    local, _at, domain = address[:LONGEST_KEY].rpartition("@")
    local = local.partition("+")[0] or local
    if domain in {"gmail.com", "googlemail.com"}:
        local, domain = local.replace(".", ""), "gmail.com"
    return f"{local}@{domain}"


def _storage() -> SteadyStorage | None:
    storage: SteadyStorage | None = current_app.extensions["limits"]
    return storage


def _windows(
    names: tuple[str, ...], values: dict[str, object]
) -> Iterator[tuple[str, int, int, Whose]]:
    for name in names:
        for limit in TABLE[name]:
            key = _key(name, limit.by, values)
            for most, seconds in limit.windows:
                yield f"{key}:{seconds}", most, seconds, limit.whose


def _key(name: str, by: tuple[str, ...], values: dict[str, object]) -> str:
    text = "\0".join(str(values[part]) for part in by)
    return f"{name}:{'+'.join(by)}:{keyed_hash('limits', text)}"


def _refusal(storage: SteadyStorage, windows: list[tuple[str, int, int, Whose]]) -> LimitReached:
    """The one that lasts longest, so that who waits for it is not turned away by another."""
    waits = [
        (storage.seconds_left(key, most, seconds), whose) for key, most, seconds, whose in windows
    ]
    seconds, whose = max(waits, key=lambda wait: wait[0])
    return LimitReached(whose, max(1, seconds))
