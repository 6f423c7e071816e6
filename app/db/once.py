"""One effect of a form that makes something, however often it is pressed.

Such a form carries a key: random, signed, and bound to who was given it for what. The row that it
makes keeps the key's random part in a unique column, in the same transaction, so the database
itself refuses a second one, and the view answers with what the first has made. Bookings, booking
pages and accounts are made so. Time off needs no key: a host's span is one of its kind by nature.
A form without a key (a plain POST of a few fields) makes something each time.
"""

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from ..core.crypto import new_reference, sign, unsign

KEY_LENGTH = 16
FORM_KEEPS = 30 * 86_400  # seconds; a sign-in lasts as long


class MadeByForm:
    """A row that a form has made: `form_key` is the random part of the form's key."""

    form_key: Mapped[str | None] = mapped_column(String(24), unique=True, index=True)


def new_form_key(form: str, *bound: str | int, kept: str = "") -> str:
    """A key for one form, signed, that is good for `bound` only (whose form it is, for what).
    `kept` is told again when the key comes back."""
    once = new_reference(KEY_LENGTH)
    return sign(form, [*bound, f"{once}.{kept}" if kept else once])


def read_kept(
    form: str, key: str | None, *bound: str | int, max_age: int = FORM_KEEPS
) -> tuple[str, str] | None:
    """The key's random part and what it has kept; None when it is forged, bound to something else,
    or older than `max_age` seconds."""
    values = unsign(form, key or "", max_age)
    if values is None or values[:-1] != list(bound):
        return None
    once, _dot, kept = str(values[-1]).partition(".")
    return once, kept


def read_form_key(
    form: str, key: str | None, *bound: str | int, max_age: int = FORM_KEEPS
) -> str | None:
    """The random part alone."""
    read = read_kept(form, key, *bound, max_age=max_age)
    return read[0] if read else None
