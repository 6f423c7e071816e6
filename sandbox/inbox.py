"""The mailbox's pages."""

from __future__ import annotations

import re

from flask import (
    Blueprint,
    Response,
    abort,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from markupsafe import Markup, escape

from sandbox import mailbox
from sandbox.wiring import store

bp = Blueprint("inbox", __name__)

LINK = re.compile(r"https?://[^\s<>\"'「」、。）]+[^\s<>\"'「」、。）.,:;!?)\]]")


@bp.get("/mail")
def listing() -> ResponseReturnValue:
    """All mails, newest first; `?to=` keeps one recipient's. Reloads itself."""
    to = request.args.get("to", "").strip()
    return render_template("mails.html", mails=mailbox.newest(store, to, 100), to=to)


@bp.get("/mail/<int:mail_id>")
def show(mail_id: int) -> ResponseReturnValue:
    """:raises 404: no such mail."""
    mail = existing(mail_id)
    invitations = [(part, mailbox.summary(part)) for part in mail.calendars]
    return render_template("mail.html", mail=mail, text=linked(mail.text), invitations=invitations)


@bp.get("/mail/<int:mail_id>/html")
def html(mail_id: int) -> ResponseReturnValue:
    """The HTML body alone, for a frame: no script runs in it, and links open a new tab."""
    body = existing(mail_id).html or "<p>This mail has no HTML body.</p>"
    target = '<base target="_blank">'
    framed, found = re.subn(r"(<head[^>]*>)", rf"\1{target}", body, count=1, flags=re.IGNORECASE)
    response = Response(framed if found else target + body, mimetype="text/html")
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self';"
        " sandbox allow-popups allow-popups-to-escape-sandbox"
    )
    return response


@bp.get("/mail/<int:mail_id>/raw")
def raw(mail_id: int) -> ResponseReturnValue:
    """The mail as it came, byte for byte."""
    return download(existing(mail_id).raw, "message/rfc822", f"mail-{mail_id}.eml")


@bp.get("/mail/<int:mail_id>/calendar/<int:number>.ics")
def calendar(mail_id: int, number: int) -> ResponseReturnValue:
    """:raises 404: the mail has no such calendar."""
    parts = existing(mail_id).calendars
    if not 0 < number <= len(parts):
        abort(404)
    body = parts[number - 1].body.encode()
    return download(body, "text/calendar; charset=utf-8", f"mail-{mail_id}-{number}.ics")


@bp.post("/mail/empty")
def empty() -> ResponseReturnValue:
    mailbox.empty(store)
    return redirect(url_for("inbox.listing"), 303)


def existing(mail_id: int) -> mailbox.Mail:
    return mailbox.find(store, mail_id) or abort(404)


def linked(text: str) -> Markup:
    """Plain text with its addresses clickable, everything else inert."""
    pieces, at = [], 0
    for match in LINK.finditer(text):
        pieces.append(escape(text[at : match.start()]))
        pieces.append(Markup('<a href="{0}">{0}</a>').format(match.group()))
        at = match.end()
    return Markup("").join([*pieces, escape(text[at:])])


def download(octets: bytes, content_type: str, name: str) -> Response:
    response = Response(octets, content_type=content_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
