"""What several files of this folder do with the app in the same words."""

from email.message import EmailMessage

from app.accounts.models import User
from app.zoom import tokens as zoom_tokens
from tests.support.services import MailServer
from tests.zoom.steps import reread

AYA = "aya@example.jp"


DEAD = {"error": "invalid_grant", "reason": "Invalid Token!"}


def requests_to_reconnect(mails: MailServer) -> list[EmailMessage]:
    return [mail for mail in mails.to(AYA) if "reconnect" in str(mail["Message-ID"])]


def end(host: User, because: str = "ended") -> None:
    connection = reread(host.id)
    zoom_tokens.end(host.id, because, connection.access_token or "")
