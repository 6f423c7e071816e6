"""Types of columns: instants and sealed texts; and the database's own clock."""

from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, DateTime, Dialect, Integer, Text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator

from ..core.clock import require_aware
from ..core.crypto import InvalidToken, decrypt, encrypt
from ..core.logs import log

# Ids of what grows. SQLite numbers rows by itself only where the type is INTEGER.
BigId = BigInteger().with_variant(Integer, "sqlite")


def one_of(column: str, states: type[StrEnum]) -> str:
    """The condition of a CHECK that lets a column hold these states alone."""
    return f"{column} IN ({', '.join(repr(state.value) for state in states)})"


class UtcDateTime(TypeDecorator[datetime]):
    """Aware in, aware UTC out; a naive datetime is refused.

    PostgreSQL keeps `timestamptz`. SQLite keeps UTC as `YYYY-MM-DD HH:MM:SS.ffffff`: one form,
    whose text order is the order of time, which its overlap triggers rely on.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        utc = require_aware(value)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def result_processor(
        self, dialect: Dialect, coltype: object
    ) -> Callable[[Any], datetime | None]:
        """One call a value: a month of busy spans reads hundreds."""
        return _from_text if dialect.name == "sqlite" else _from_timestamptz


class database_clock(FunctionElement[datetime]):  # noqa: N801  (a function, as SQLAlchemy's own)
    """`database_clock(seconds)` in a statement: the database's own present instant, so much later.

    Machines' clocks differ. Where one of them decides about what another has written, as with a
    lease, both ask the one clock that they share.
    """

    type = UtcDateTime()
    inherit_cache = True
    name = "database_clock"


@compiles(database_clock, "postgresql")
def _clock_of_postgresql(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    # Not now(), which is the transaction's beginning: a statement may have waited for a lock.
    seconds = compiler.process(element.clauses, **kw)
    return f"(clock_timestamp() + make_interval(secs => {seconds}))"


@compiles(database_clock, "sqlite")
def _clock_of_sqlite(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    # In the stored form; SQLite counts in milliseconds.
    seconds = compiler.process(element.clauses, **kw)
    return f"(strftime('%Y-%m-%d %H:%M:%f', 'now', ({seconds}) || ' seconds') || '000')"


def _from_text(stored: str | None) -> datetime | None:
    return None if stored is None else datetime.fromisoformat(stored + "+00:00")


def _from_timestamptz(stored: datetime | None) -> datetime | None:
    return stored if stored is None or stored.tzinfo is UTC else stored.astimezone(UTC)


class Encrypted(TypeDecorator[str]):
    """A text column that is plain in Python and sealed in the database.

    A value that no key opens reads as None, and is left in the database as it is: one lost key
    must not take along the row, and all that can be done without the secret.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else encrypt(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> str | None:
        try:
            return None if value is None else decrypt(value)
        except InvalidToken:
            log.error("a secret opens with none of TOKEN_ENCRYPTION_KEYS")
            return None
