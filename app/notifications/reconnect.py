"""The mail that asks a host to connect Zoom anew, in the host's language."""

from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr

from flask import render_template

from ..accounts.models import User
from ..clock import utcnow
from ..i18n import gettext as _
from ..i18n import speaking
from ..web import current_settings
from .headers import POLICY


def compose(host: User, because: str | None, key: str) -> EmailMessage:
    """The mail for a connection that ended `because` (a code of zoom.models), with one thing to do.

    `key` is the task's: it makes the Message-ID, so that a doubled delivery shows as one.
    """
    with speaking(host.locale):
        message = EmailMessage(policy=POLICY)
        sender_name, sender = parseaddr(current_settings().mail_from)
        message["From"] = Address(sender_name or "CalSync", addr_spec=sender)
        message["To"] = Address(host.name, addr_spec=host.email)
        message["Subject"] = _("Please reconnect Zoom")
        message["Date"] = format_datetime(utcnow())
        message["Message-ID"] = f"<{key.replace(':', '.')}@{sender.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"
        values = {"host": host, "because": because, "subject": str(message["subject"])}
        message.set_content(render_template("mail/reconnect.txt", **values).strip() + "\n")
        message.add_alternative(render_template("mail/reconnect.html", **values), subtype="html")
    return message
