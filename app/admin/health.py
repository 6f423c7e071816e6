"""Liveness and readiness."""

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Blueprint, current_app, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import SQLAlchemyError

from ..core.config import current_settings
from ..db import db
from ..i18n import zones
from ..outbox import queue
from ..replies.service import long_trouble

bp = Blueprint("health", __name__)


@bp.get("/healthz")
def alive() -> ResponseReturnValue:
    """The process answers. Touches nothing."""
    return jsonify(status="ok")


@bp.get("/readyz")
def ready() -> ResponseReturnValue:
    """Whether bookings can be taken: 200 when the database is there and migrated, else 503.

    Without the queue CalSync is degraded, not dead: bookings are kept and their tasks wait. So it is
    where the mailbox of IMAP_URL has not been readable for long: declines are not heard.
    """
    database = _database_state()
    queue_state = "ok" if queue.is_reachable() else "unreachable"
    replies = _replies_state() if database == "ok" else {}
    parts = {database, queue_state, *replies.values()}
    status = "ok" if parts == {"ok"} else "degraded"
    if database != "ok":
        status = "unavailable"
    return (
        jsonify(
            status=status,
            database=database,
            queue=queue_state,
            **replies,
            zone_rules=zones.RULES_VERSION,
        ),
        503 if status == "unavailable" else 200,
    )


def _database_state() -> str:
    try:
        with db.engine.connect() as connection:
            present = MigrationContext.configure(connection).get_current_heads()
    except SQLAlchemyError:
        return "unreachable"
    scripts = ScriptDirectory(current_app.extensions["migrate"].directory)
    known = {script.revision for script in scripts.walk_revisions()}
    # During a deploy the database is migrated first: what these processes do not know is ahead.
    is_ahead = bool(set(present) - known)
    return "ok" if is_ahead or set(present) == set(scripts.get_heads()) else "not migrated"


def _replies_state() -> dict[str, str]:
    """`replies`, where they are to be read: `ok`, or what has kept them from it for long, and since when."""
    if not current_settings().imap_url:
        return {}
    trouble = long_trouble()
    return {"replies": f"{trouble[0]} since {trouble[1]:%Y-%m-%dT%H:%MZ}" if trouble else "ok"}
