"""Reading calendars' answers: beside the scheduler's sweep, in a thread of its own, and by hand."""

import threading

import click
from flask import Flask
from flask.cli import with_appcontext
from sqlalchemy.exc import SQLAlchemyError

from ..core.config import current_settings
from ..core.errors import Unavailable
from ..core.logs import log
from ..db import db
from ..replies.reading import read_replies

# The longest that an ending scheduler waits for a mail that is being looked at.
FAREWELL = 5.0

ADVICE = {
    "imap_unreachable": "is host and port of IMAP_URL right, and does the server let this machine in?",
    "imap_tls": "the server's certificate does not hold, or the port speaks no TLS",
    "imap_login_refused": "check user and password of IMAP_URL; some servers want an app password",
    "imap_folder_missing": "there is no folder of this name; INBOX is the usual one",
}


def begin_reading(app: Flask, stop: threading.Event) -> threading.Thread | None:
    """Read replies until `stop`, where IMAP_URL is set. The sweep must wait for no mail server, and an
    end of the process for no hanging one: what was not noted as read is read by the next."""
    if not current_settings().imap_url:
        return None
    pause = current_settings().replies_every.total_seconds()
    thread = threading.Thread(
        target=_keep_reading, args=(app, stop, pause), name="replies", daemon=True
    )
    thread.start()
    return thread


def _keep_reading(app: Flask, stop: threading.Event, pause: float) -> None:
    while not stop.is_set():
        with app.app_context():
            has_more = _read_once(stop)
        if not has_more:
            stop.wait(pause)


def _read_once(stop: threading.Event) -> bool:
    """Whether there is more to read at once."""
    try:
        found = read_replies(stop.is_set)
    except Unavailable:
        return False  # told in the log, and kept for /readyz
    except SQLAlchemyError as error:
        # The database may be restarting.
        log.warning("replies: database away", error=type(error).__name__)
        db.session.rollback()
        return False
    except Exception as error:  # noqa: BLE001  (the outermost net of the thread)
        log.exception("replies: reading crashed", error=type(error).__name__)
        db.session.rollback()
        return False
    return found is not None and found.has_more


@click.command("read-replies")
@with_appcontext
def read_replies_now() -> None:
    """Look into the mailbox of IMAP_URL now, and say what is there or what the trouble is."""
    if not current_settings().imap_url:
        raise click.ClickException("IMAP_URL is not set: no replies are read.")
    try:
        found = read_replies(even_early=True)
    except Unavailable as trouble:
        advice = ADVICE.get(trouble.reason, "see the server's log")
        raise click.ClickException(f"Not read ({trouble.reason}): {advice}.") from trouble
    if found is None:
        raise click.ClickException("Another process is reading it right now.")
    more = "; there is more" if found.has_more else ""
    click.echo(f"{found.mails} new mails, {found.replies} replies of calendars{more}.")
