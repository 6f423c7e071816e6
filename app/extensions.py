"""The extensions, bare; create_app binds them."""

import os
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from authlib.integrations.flask_client import OAuth
from flask import Flask
from flask_babel import Babel
from flask_compress import Compress
from flask_login import LoginManager
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from flask_wtf.csrf import CSRFProtect
from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    MetaData,
    Table,
    delete,
    event,
    select,
    text,
)
from sqlalchemy.engine import CursorResult
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import DeclarativeBase, registry

from .core.clock import UtcDateTime
from .db import search

LOCK_PATIENCE = 15_000  # milliseconds that SQLite waits for a lock
# Not there, restarting, full, or locked for longer than anybody waits.
DATABASE_AWAY = (OperationalError, InterfaceError)


class Base(DeclarativeBase):
    """Every model's base: named constraints, and aware UTC for every datetime."""

    registry = registry(
        metadata=MetaData(
            naming_convention={
                "ix": "ix_%(table_name)s_%(column_0_N_name)s",
                "uq": "uq_%(table_name)s_%(column_0_N_name)s",
                "ck": "ck_%(table_name)s_%(constraint_name)s",
                "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
                "pk": "pk_%(table_name)s",
            }
        ),
        type_annotation_map={datetime: UtcDateTime()},
    )


db = SQLAlchemy(model_class=Base)
if TYPE_CHECKING:
    Model = Base
else:
    Model = db.Model  # the same class to type checkers, which do not see it made
migrate = Migrate()
login_manager = LoginManager()
csrf = CSRFProtect()
babel = Babel()
compress = Compress()
oauth = OAuth()


def init_database(app: Flask) -> None:
    """Bind the database; on SQLite make writes serialize the way PostgreSQL's row locks do."""
    # Parameters are names and addresses; they must not reach a log through an error's text.
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {
        # A server may have been restarted since a connection was used; a file cannot.
        "pool_pre_ping": not app.config["SQLALCHEMY_DATABASE_URI"].startswith("sqlite:"),
        "hide_parameters": True,
    }
    db.init_app(app)
    app.teardown_appcontext(_let_go)
    with app.app_context():
        if db.engine.dialect.name == "sqlite":
            _close_to_others(db.engine.url.database)
            _serialize_writes(db.engine)
        else:
            event.listen(db.engine, "connect", _speak_utc)


def read_only() -> None:
    """Let what is read from now on stand without a transaction, which saves PostgreSQL two round
    trips. On SQLite reads do so anyway. To be called before the first statement."""
    if db.engine.dialect.name != "sqlite":
        db.session.connection(execution_options={"isolation_level": "AUTOCOMMIT"})


def commit_and_keep() -> None:
    """Commit, and keep the values of what was just written: nobody else has changed it yet, so
    answering with it need not read it again."""
    session = db.session()
    session.expire_on_commit = False
    try:
        session.commit()
    finally:
        session.expire_on_commit = True


def delete_some(model: type[Base], which: ColumnElement[bool], most: int) -> int:
    """Delete up to `most` of a model's rows that `which` tells; commit. Returns how many."""
    table = cast(Table, model.__table__)
    ids = select(table.c.id).where(which).limit(most)
    result = db.session.execute(delete(table).where(table.c.id.in_(ids.scalar_subquery())))
    db.session.commit()
    return cast(CursorResult[Any], result).rowcount


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


def _speak_utc(connection: DBAPIConnection, _record: Any) -> None:
    """Instants come in UTC then, and need no conversion, whatever the server's own zone is."""
    cursor = connection.cursor()
    cursor.execute("SET TIME ZONE 'UTC'")
    cursor.close()
    connection.commit()


def _let_go(_error: BaseException | None) -> None:
    """End the session, before Flask-SQLAlchemy does.

    A connection that died since the answer was made would turn that answer into a bare 500. By
    the time it raises, the pool has thrown it away; what is left to drop is the session.
    """
    try:
        db.session.remove()
    except DATABASE_AWAY:
        db.session.registry.clear()


def _close_to_others(database: str | None) -> None:
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


def _serialize_writes(engine: Engine) -> None:
    """Let a SQLite transaction begin with its first write, and take the write lock right there.

    SQLAlchemy's default begins a deferred transaction, reads, and only then asks for the lock:
    two bookers both see the slot free. Here reads autocommit, and the first statement that
    writes (or selects FOR UPDATE, which SQLite's compiler drops) waits for BEGIN IMMEDIATE.
    """
    event.listen(engine, "connect", _prepare_connection)
    event.listen(engine, "before_cursor_execute", _begin_before_write)


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
    search.teach(connection)


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
