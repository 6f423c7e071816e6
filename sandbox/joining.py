"""Where the links of meetings lead."""

from __future__ import annotations

import sqlite3

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from sandbox import meetings
from sandbox.people import Person
from sandbox.wiring import settings, store

bp = Blueprint("joining", __name__)


@bp.get("/j/<int:meeting_id>")
def join(meeting_id: int) -> ResponseReturnValue:
    """A client's link. :raises 404: no such meeting, as after its deletion."""
    meeting = meetings.find(store, None, meeting_id)
    if meeting is None:
        return show_no_meeting()
    knows_passcode = not meeting["password"] or request.args.get("pwd") == meeting["pwd"]
    return render_template(
        "join.html",
        meeting=meeting,
        host=Person(meeting["person"]),
        knows_passcode=knows_passcode,
    )


@bp.get("/s/<int:meeting_id>")
def start(meeting_id: int) -> ResponseReturnValue:
    """The host's link. :raises 403: not ours, or older than two hours. 404: no such meeting."""
    meeting = meetings.find(store, None, meeting_id)
    if meeting is None:
        return show_no_meeting()
    allowed = meetings.may_start(meeting, request.args.get("zak", ""), settings)
    return show_start(meeting, allowed), 200 if allowed else 403


def show_start(meeting: sqlite3.Row, allowed: bool) -> str:
    host = Person(meeting["person"])
    return render_template("start.html", meeting=meeting, host=host, allowed=allowed)


def show_no_meeting() -> ResponseReturnValue:
    words = "This meeting does not exist, or its host has deleted it (3001)."
    return render_template("missing.html", title="No such meeting", words=words), 404
