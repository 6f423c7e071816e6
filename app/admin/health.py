"""Liveness and readiness."""

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Blueprint, current_app, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import SQLAlchemyError

from ..db import db
from ..i18n import zones
from ..outbox import queue

bp = Blueprint("health", __name__)


@bp.get("/healthz")
def alive() -> ResponseReturnValue:
    """The process answers. Touches nothing."""
    return jsonify(status="ok")


@bp.get("/readyz")
def ready() -> ResponseReturnValue:
    """Whether bookings can be taken: 200 when the database is there and migrated, else 503.

    Without the queue CalSync is degraded, not dead: bookings are kept and their tasks wait.
    """
    database = _database_state()
    queue_state = "ok" if queue.is_reachable() else "unreachable"
    status = "ok" if database == queue_state == "ok" else "degraded"
    if database != "ok":
        status = "unavailable"
    return (
        jsonify(
            status=status,
            database=database,
            queue=queue_state,
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
