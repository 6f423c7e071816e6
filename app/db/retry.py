"""Transactions that PostgreSQL calls off to let another pass."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from sqlalchemy.exc import DBAPIError

from ..core.logs import log
from . import db

P = ParamSpec("P")
T = TypeVar("T")
MOST_TRIES = 5
# https://www.postgresql.org/docs/current/mvcc-serialization-failure-handling.html
SERIALIZATION_FAILURE, DEADLOCK = "40001", "40P01"


def retry_on_conflict(transaction: Callable[P, T]) -> Callable[P, T]:
    """Run a function that is one whole transaction again when it lost to another, a few times.

    It is run from its beginning, so nothing outside the database may come before its commit.
    SQLite has no such errors: its writers queue, and one that waited in vain did so for long.
    """

    @wraps(transaction)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        for _ in range(MOST_TRIES - 1):
            try:
                return transaction(*args, **kwargs)
            except DBAPIError as error:
                db.session.rollback()
                if not gave_way(error):
                    raise
                log.info("transaction tried again", reason=type(error.orig).__name__)
        return transaction(*args, **kwargs)

    return run


def gave_way(error: DBAPIError) -> bool:
    """Whether the transaction was called off for another's sake: nothing of it was kept."""
    return getattr(error.orig, "sqlstate", None) in {SERIALIZATION_FAILURE, DEADLOCK}
