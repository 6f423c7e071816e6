"""`flask retry-failed` and `flask send-test-mail`, for the operator after an outage or a set-up."""

from email.message import EmailMessage
from email.utils import format_datetime, make_msgid, parseaddr

import click
from flask.cli import with_appcontext

from ..core.clock import utcnow
from ..core.config import current_settings
from ..core.text import fold_address, is_address
from ..notifications.headers import POLICY, box, say_a_machine_wrote_it
from ..notifications.smtp import send
from ..outbox import Refused, Unavailable
from . import bulk


@click.command("retry-failed")
@click.option(
    "--kind", default="", help="Only tasks of this kind, as listed: mail.attendee.confirmed."
)
@click.option("--reason", default="", help="Only those that failed for this reason, as listed.")
@click.option("--yes", is_flag=True, help="Do it; without this the command only lists them.")
@with_appcontext
def retry_failed(kind: str, reason: str, yes: bool) -> None:
    """List the tasks that have failed, or try them all once more (--yes)."""
    found = [
        row for row in bulk.failed_tasks() if kind in {"", row.kind} and reason in {"", row.reason}
    ]
    for row in found:
        click.echo(f"{row.tasks:>6}  {row.kind:<24} {row.reason}")
    if not found:
        click.echo("Nothing has failed that could still be done.")
    elif yes:
        click.echo(f"{bulk.retry_failed(kind, reason)} are tried once more.")
    else:
        click.echo("Add --yes to try them once more.")


@click.command("send-test-mail")
@click.argument("address")
@with_appcontext
def send_test_mail(address: str) -> None:
    """Send one short mail through SMTP_URL and say what the server answers."""
    reader = fold_address(address)
    if not is_address(reader):
        raise click.ClickException("This is not an email address.")
    settings = current_settings()
    name, sender = parseaddr(settings.mail_from)
    message = EmailMessage(policy=POLICY)
    message["From"] = box(name or "CalSync", sender)
    message["To"] = box("", reader)
    message["Subject"] = "CalSync test mail"
    message["Date"] = format_datetime(utcnow())
    message["Message-ID"] = make_msgid(domain=settings.mail_domain)
    say_a_machine_wrote_it(message)
    message.set_content(f"CalSync at {settings.public_base_url} can send mail.\n")
    try:
        said = send(message)
    except Refused as refusal:
        raise click.ClickException(
            f"The server refused the recipient: {refusal.words}"
        ) from refusal
    except Unavailable as trouble:
        raise click.ClickException(
            f"Not sent ({trouble.reason}). The log line above has the server's words; check SMTP_URL,"
            " MAIL_FROM and whether the server lets this machine send."
        ) from trouble
    click.echo(f"Sent. The server says: {said}")
