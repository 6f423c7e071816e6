"""Handing a message to the mail server. Raises Unavailable or Refused."""

import smtplib
import ssl
from email.message import EmailMessage
from email.utils import parseaddr
from urllib.parse import unquote, urlsplit

from ..outbox import Refused, Unavailable
from ..web import current_settings

TIMEOUT = 20.0  # seconds, for each step of the conversation


def send(message: EmailMessage) -> None:
    """Deliver `message` to its To address through SMTP_URL.

    Raises Unavailable for what passes (4xx, no connection), Refused for what does not (5xx).
    """
    try:
        with _connect() as server:
            server.send_message(message, from_addr=parseaddr(current_settings().mail_from)[1])
    except smtplib.SMTPRecipientsRefused as error:
        code, words = next(iter(error.recipients.values()))
        _raise(code, words, error)
    except smtplib.SMTPResponseException as error:
        _raise(error.smtp_code, error.smtp_error, error)
    except (smtplib.SMTPException, OSError) as error:
        raise Unavailable("smtp_unreachable") from error


def _connect() -> smtplib.SMTP:
    settings = current_settings()
    parts = urlsplit(settings.smtp_url)
    host = parts.hostname or "localhost"
    context = ssl.create_default_context()
    server: smtplib.SMTP
    if parts.scheme == "smtps":
        server = smtplib.SMTP_SSL(host, parts.port or 465, timeout=TIMEOUT, context=context)
    else:
        server = smtplib.SMTP(host, parts.port or 25, timeout=TIMEOUT)
        server.ehlo()
        if server.has_extn("starttls"):
            server.starttls(context=context)
            server.ehlo()
        elif settings.is_production:
            server.close()
            raise Unavailable("smtp_without_tls")
    if parts.username:
        server.login(unquote(parts.username), unquote(parts.password or ""))
    return server


def _raise(code: int, words: bytes | str, cause: Exception) -> None:
    text = words.decode(errors="replace") if isinstance(words, bytes) else words
    if 400 <= code < 500:
        raise Unavailable("smtp_try_later") from cause
    raise Refused("smtp_refused", f"{code} {text}"[:300]) from cause
