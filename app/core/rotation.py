"""Sealing every encrypted value anew under the first key, so that an older one can be retired."""

from dataclasses import dataclass

from sqlalchemy import Column, Table, Text, select, type_coerce, update

from ..db import db
from ..db.types import Encrypted
from .crypto import InvalidToken, reseal

BATCH = 500


@dataclass(frozen=True)
class Resealed:
    """How many values lie under the first key now, and how many no key opens."""

    sealed: int
    unreadable: int


def reseal_all() -> Resealed:
    """Go through every encrypted column of every table; commits each batch.

    Safe beside a running CalSync: a value that changes meanwhile is left as it is, since
    whoever wrote it has sealed it under the first key already.
    """
    sealed = unreadable = 0
    for table in db.metadata.sorted_tables:
        for column in table.columns:
            if isinstance(column.type, Encrypted):
                done = _reseal_column(table, column)
                sealed, unreadable = sealed + done.sealed, unreadable + done.unreadable
    return Resealed(sealed, unreadable)


def _reseal_column(table: Table, column: Column[str]) -> Resealed:
    raw = type_coerce(column, Text)
    sealed = unreadable = last_id = 0
    batch = select(table.c.id, raw).where(column.is_not(None)).order_by(table.c.id).limit(BATCH)
    while rows := db.session.execute(batch.where(table.c.id > last_id)).all():
        for row_id, before in rows:
            last_id = row_id
            try:
                after = reseal(before)
            except InvalidToken:
                unreadable += 1
                continue
            sealed += 1
            db.session.execute(
                update(table)
                .where(table.c.id == row_id, raw == before)
                .values({column: type_coerce(after, Text)})
            )
        db.session.commit()
    return Resealed(sealed, unreadable)
