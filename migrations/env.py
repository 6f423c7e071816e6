"""Alembic's environment: the app's engine, its metadata, and one transaction a migration."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from flask import current_app

from app.db.types import Encrypted, UtcDateTime

migrate = current_app.extensions["migrate"]


def render_item(kind: str, item: Any, _context: AutogenContext) -> str | Literal[False]:
    """Migrations speak of plain types: they must still run when the app's have moved on."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, Encrypted):
        return "sa.Text()"
    return False


with migrate.db.engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=migrate.db.metadata,
        render_item=render_item,
        # Flask-Migrate asks for batch mode: SQLite changes a table by copying it. That drops its
        # triggers without a word, so a migration that touches bookings must make them again.
        transaction_per_migration=True,
        **migrate.configure_args,
    )
    with context.begin_transaction():
        context.run_migrations()
