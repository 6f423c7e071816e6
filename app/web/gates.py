"""Answers that say "not now", and doors that only so many pass at once."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from werkzeug.exceptions import HTTPException, ServiceUnavailable
from werkzeug.wrappers import Response

from ..i18n import gettext as _
from ..i18n import ngettext


class NotNow(HTTPException):
    """Nothing is wrong but the moment: `words` say so, and in how many seconds to come back.

    A view shows its form again with them; elsewhere they are a page under `title`.
    """

    seconds = 0

    @property
    def title(self) -> str:
        raise NotImplementedError

    @property
    def words(self) -> str:
        raise NotImplementedError


class Busy(NotNow, ServiceUnavailable):
    """503: as many as may be are inside, and the line is full or did not move."""

    def __init__(self, seconds: int) -> None:
        super().__init__(retry_after=seconds)
        self.seconds = seconds

    @property
    def title(self) -> str:
        return _("Very busy at the moment")

    @property
    def words(self) -> str:
        return ngettext(
            "Many people are doing this at the moment. Please try again in %(num)d second.",
            "Many people are doing this at the moment. Please try again in %(num)d seconds.",
            self.seconds,
        )


def answer_not_now(response: Response, why: NotNow) -> Response:
    """A page that shows a form with what was typed, as the answer that it comes too often."""
    response.status_code = why.code or 503
    response.headers["Retry-After"] = str(why.seconds)
    response.headers["Cache-Control"] = "no-store"
    return response


class Gate:
    """At most `at_once` threads are inside, `in_line` more wait for up to `patience` seconds.

    The others are told to come back after `seconds`, so that they hold no thread of the server.
    """

    def __init__(self, at_once: int, in_line: int, patience: float, seconds: int) -> None:
        self._places = threading.BoundedSemaphore(at_once)
        self._line = threading.BoundedSemaphore(at_once + in_line)
        self._patience = patience
        self._seconds = seconds

    @contextmanager
    def passed(self) -> Iterator[None]:
        """Be inside. Raises Busy."""
        if not self._line.acquire(blocking=False):
            raise Busy(self._seconds)
        try:
            if not self._places.acquire(timeout=self._patience):
                raise Busy(self._seconds)
            try:
                yield
            finally:
                self._places.release()
        finally:
            self._line.release()
