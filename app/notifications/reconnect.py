"""The mail that asks a host to connect Zoom anew, in the host's language."""

from email.message import EmailMessage
from email.utils import format_datetime, parseaddr

from flask import render_template

from ..accounts.models import User
from ..core.clock import utcnow
from ..core.config import current_settings
from ..i18n import gettext as _
from ..i18n import use_language
from .headers import POLICY, box, say_a_machine_wrote_it


def compose(host: User, because: str | None, key: str) -> EmailMessage:
    """The mail for a connection that ended `because` (a code of zoom.models), with one thing to do.

    `key` is the task's: it makes the Message-ID, so that a doubled delivery shows as one.
    """
    with use_language(host.locale):
        message = EmailMessage(policy=POLICY)
        sender_name, sender = parseaddr(current_settings().mail_from)
        message["From"] = box(sender_name or "CalSync", sender)
        message["To"] = box(host.name, host.email)
        message["Subject"] = _("Please reconnect Zoom")
        message["Date"] = format_datetime(utcnow())
        message["Message-ID"] = f"<{key.replace(':', '.')}@{current_settings().mail_domain}>"
        say_a_machine_wrote_it(message)
        values = {"host": host, "because": because, "subject": str(message["subject"])}
        message.set_content(render_template("mail/reconnect.txt", **values).strip() + "\n")
        html = render_template("mail/reconnect.html", **values).strip() + "\n"
        message.add_alternative(html, subtype="html")
    return message
