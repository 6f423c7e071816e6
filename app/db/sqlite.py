"""SQLite: its pragmas, its write lock at a transaction's first write, and files for one user alone."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import OperationalError

from .base import db

LOCK_PATIENCE = 15_000  # milliseconds that SQLite waits for a lock


def serialize_writes(engine: Engine) -> None:
    """Let a SQLite transaction begin with its first write, and take the write lock right there.

    SQLAlchemy's default begins a deferred transaction, reads, and only then asks for the lock:
    two bookers both see the slot free. Here reads autocommit, and the first statement that
    writes (or selects FOR UPDATE, which SQLite's compiler drops) waits for BEGIN IMMEDIATE.
    """
    event.listen(engine, "connect", _prepare_connection)
    event.listen(engine, "before_cursor_execute", _begin_before_write)


def close_to_others(database: str | None) -> None:
    """Let only this user read SQLite's file, whatever the umask; its log takes the file's mode.

    A file that exists is not opened: to close it again would give up all locks that this process
    holds on it (https://sqlite.org/howtocorrupt.html, 2.2). Where the file cannot be made or
    changed, the first statement says why.
    """
    if not database or database == ":memory:":
        return
    with suppress(OSError):
        if not Path(database).exists():
            os.close(os.open(database, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        for ending in ("", "-wal", "-shm"):
            if (path := Path(database + ending)).exists():
                path.chmod(0o600)


def forget_old_pages(patience: int = 250) -> None:
    """Right after a commit that deleted secrets: leave no copy of them in SQLite's files.

    What is deleted is overwritten (see `secure_delete`), but the file gets that with the next
    checkpoint only, and until then the write-ahead log holds pages as they were. Where others
    read for longer than `patience` milliseconds, or the disk is full, a later checkpoint does it.
    """
    if db.engine.dialect.name != "sqlite":
        return
    db.session.execute(text(f"PRAGMA busy_timeout={patience}"))
    with suppress(OperationalError):
        db.session.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
    db.session.execute(text(f"PRAGMA busy_timeout={LOCK_PATIENCE}"))


def _prepare_connection(connection: DBAPIConnection, _record: Any) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={LOCK_PATIENCE}",
        "secure_delete=ON",  # what is deleted is overwritten, whatever the library's default
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_before_write(  # noqa: PLR0917  (the event's own signature)
    connection: Connection,
    cursor: Any,
    statement: str,
    parameters: Any,
    context: Any,
    executemany: bool,
) -> None:
    if context is None or cursor.connection.in_transaction:
        return
    if context.isinsert or context.isupdate or context.isdelete or _locks_rows(context):
        cursor.execute("BEGIN IMMEDIATE")


def _locks_rows(context: Any) -> bool:
    compiled = getattr(context, "compiled", None)
    statement = getattr(compiled, "statement", None)
    return getattr(statement, "_for_update_arg", None) is not None
