"""A database that is away for a while: what was done meanwhile is kept in hand."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from ..core.logs import log
from ..db import DATABASE_AWAY, db

T = TypeVar("T")

PAUSE = 0.5  # seconds between tries


def retry_while_database_down(write: Callable[[], T], for_: timedelta) -> T:
    """What `write` gives, which commits and may be called again.

    A call to Zoom or the mail server cannot be undone, and what came of it would be lost with a
    commit that fails. So it is tried again while the database is away, for the length `for_`;
    then DATABASE_AWAY is raised.
    """
    until = time.monotonic() + for_.total_seconds()
    while True:
        try:
            return write()
        except DATABASE_AWAY as error:
            db.session.rollback()
            if time.monotonic() >= until:
                raise
            log.warning("database away, kept in hand", error=type(error.orig).__name__)
            time.sleep(PAUSE)
