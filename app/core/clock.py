"""The one clock, the database's own, and the one way an instant reaches the database."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator


def utcnow() -> datetime:
    """The present instant, aware, in UTC. Nothing else in CalSync asks for the time."""
    return datetime.now(UTC)


def require_aware(instant: datetime) -> datetime:
    """The same instant in UTC. Raises ValueError for a naive one."""
    if instant.utcoffset() is None:
        raise ValueError(f"naive datetime where an instant belongs: {instant!r}")
    return instant.astimezone(UTC)


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
