"""The log of calls to Zoom's API and token addresses, and the faults ordered for them."""

from __future__ import annotations

import time
from typing import Any

from flask import Blueprint, Response, g, request
from flask.typing import ResponseReturnValue

from sandbox import faults
from sandbox.clock import iso, now
from sandbox.store import Store
from sandbox.wiring import cut_connection, store

KEPT = 10_000


def watch(blueprint: Blueprint, lane: str) -> None:
    """Log every call to `blueprint` and let the faults of `lane` befall it.

    The view finds its fault in `g.fault`. A slow answer is late after the work is done, and
    a dropped one is lost after it, so that the client cannot know. One that hangs never comes
    to the view.
    """

    @blueprint.before_request
    def note_call() -> ResponseReturnValue | None:
        g.fault = faults.take(store, lane)
        g.call_at = now()
        with store.writing() as db:
            made = db.execute(
                "INSERT INTO calls (at, method, path, fault) VALUES (?, ?, ?, ?)",
                (g.call_at, request.method, request.path, g.fault and g.fault.kind),
            )
            db.execute("DELETE FROM calls WHERE id <= ?", ((made.lastrowid or 0) - KEPT,))
        g.call_id = made.lastrowid
        if g.fault and g.fault.kind == "hang":
            time.sleep(g.fault.pause)
            return "", 503
        return None

    @blueprint.after_request
    def note_answer(response: Response) -> Response:
        fault: faults.Fault | None = g.fault
        if fault and fault.kind in ("slow", "token-slow"):
            time.sleep(fault.pause)
        dropped = fault is not None and fault.kind in (
            "hang",
            "drop-after-create",
            "token-drop",
        )
        person = g.get("person")
        with store.writing() as db:
            db.execute(
                "UPDATE calls SET person = ?, status = ?, fault = ?, seconds = ? WHERE id = ?",
                (
                    person.key if person else None,
                    None if dropped else response.status_code,
                    fault.kind if fault else None,
                    round(now() - g.call_at, 4),
                    g.call_id,
                ),
            )
        if dropped:
            cut_connection()
        return response


def recent(kept: Store) -> list[dict[str, Any]]:
    """All calls kept, oldest first; `status` is None while one runs and when it was dropped."""
    rows = kept.rows(
        "SELECT id, at, method, path, person AS user, status, fault, seconds FROM calls ORDER BY id"
    )
    return [{**dict(row), "at": iso(row["at"], "milliseconds")} for row in rows]


def forget(kept: Store) -> None:
    """Empty the log. Commits."""
    with kept.writing() as db:
        db.execute("DELETE FROM calls")
