"""The declarative base, the session, and the few ways to commit that services share."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import ColumnElement, MetaData, Table, delete, select
from sqlalchemy.engine import CursorResult
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import DeclarativeBase, registry

from .types import UtcDateTime

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
