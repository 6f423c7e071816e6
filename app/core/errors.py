"""How a task ends, if not well.

Unavailable and Refused are the two ways a call to another service fails: wire clients raise these
and nothing else.
"""

from datetime import datetime


class Unavailable(Exception):
    """Try again after a pause, and not before `retry_at` (aware UTC) when the other side named one."""

    def __init__(self, reason: str, retry_at: datetime | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_at = retry_at


class Busy(Unavailable):
    """Work of our own is under way, such as another worker's refresh: come back at `retry_at`.

    That is no failed try, so the pauses of later ones do not grow by it.
    """


class OutcomeUnknown(Unavailable):
    """The call left and no clear answer came: it may have been done."""


class Refused(Exception):
    """Stop: trying again changes nothing.

    `reason` is a code (`zoom_not_connected`); `words` are the other side's own, for the host.
    """

    def __init__(self, reason: str, words: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.words = words

    def __str__(self) -> str:
        return f"{self.reason}: {self.words}" if self.words else self.reason


class Overtaken(Exception):
    """There is nothing left to do: its moment has passed, or another task says the same and more. A
    code as its text is kept for the host."""
