"""Handing a message to the mail server. Raises Unavailable or Refused."""

import smtplib
import ssl
import time
from contextlib import suppress
from email.message import EmailMessage
from email.utils import parseaddr
from functools import lru_cache
from typing import Any
from urllib.parse import unquote, urlsplit

from ..logs import log
from ..outbox import Refused, Unavailable
from ..web import current_settings

# A mail that outlives its lease is sent by another worker too, so the whole conversation, not each
# step of it, ends at half the lease.
OF_THE_LEASE = 0.5


class _Smtp(smtplib.SMTP):
    """A conversation that ends `patience` seconds after it began, however slow its steps are."""

    def __init__(self, host: str, port: int, *, patience: float, **more: Any) -> None:
        self._deadline = time.monotonic() + patience
        super().__init__(host, port, timeout=patience, **more)

    def getreply(self) -> tuple[int, bytes]:
        assert self.sock is not None
        self.sock.settimeout(max(0.1, self._deadline - time.monotonic()))
        return super().getreply()

    def data(self, msg: Any) -> tuple[int, bytes]:
        # Names may have resolved slowly, which no time-out ends: nothing is delivered until now.
        if time.monotonic() > self._deadline:
            raise TimeoutError
        return super().data(msg)


class _Smtps(_Smtp, smtplib.SMTP_SSL):
    """The same with TLS from the start."""


def send(message: EmailMessage) -> None:
    """Deliver `message` to its To address through SMTP_URL.

    Raises Unavailable for what passes (4xx, no connection, no sign-in), Refused for what does
    not (5xx).
    """
    server = _greeted()
    try:
        try:
            server.send_message(message, from_addr=parseaddr(current_settings().mail_from)[1])
            _take_leave(server)
        finally:
            server.close()
    except smtplib.SMTPRecipientsRefused as error:
        code, words = next(iter(error.recipients.values()))
        _raise(code, words, error)
    except smtplib.SMTPResponseException as error:
        _raise(error.smtp_code, error.smtp_error, error)
    except (smtplib.SMTPException, OSError) as error:
        raise Unavailable("smtp_unreachable") from error


def _greeted() -> smtplib.SMTP:
    """A server that takes mail of ours. What it says before it has seen a mail is about no mail:
    a wrong password, say, is the operator's to mend, and then all that has waited goes out."""
    try:
        return _connect()
    except smtplib.SMTPResponseException as error:
        log.error("the mail server does not let us in", code=error.smtp_code)
        raise Unavailable("smtp_unreachable") from error
    except (smtplib.SMTPException, OSError) as error:
        raise Unavailable("smtp_unreachable") from error


def _take_leave(server: smtplib.SMTP) -> None:
    """QUIT. The message is delivered by now: an ill answer here must not send it twice."""
    with suppress(smtplib.SMTPException, OSError):
        server.quit()


def _connect() -> smtplib.SMTP:
    settings = current_settings()
    parts = urlsplit(settings.smtp_url)
    host = parts.hostname or "localhost"
    patience = settings.lease.total_seconds() * OF_THE_LEASE
    server: smtplib.SMTP
    if parts.scheme == "smtps":
        server = _Smtps(host, parts.port or 465, patience=patience, context=_tls())
    else:
        server = _Smtp(host, parts.port or 25, patience=patience)
    try:
        if parts.scheme == "smtp":
            _go_private(server, is_required=settings.is_production)
        if parts.username:
            server.login(unquote(parts.username), unquote(parts.password or ""))
    except BaseException:
        server.close()
        raise
    return server


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    """Kept: reading the machine's certificates takes longer than writing and sending a mail."""
    return ssl.create_default_context()


def _go_private(server: smtplib.SMTP, *, is_required: bool) -> None:
    server.ehlo()
    if server.has_extn("starttls"):
        server.starttls(context=_tls())
        server.ehlo()
    elif is_required:
        raise Unavailable("smtp_without_tls")


def _raise(code: int, words: bytes | str, cause: Exception) -> None:
    text = words.decode(errors="replace") if isinstance(words, bytes) else words
    if not 500 <= code < 600:
        raise Unavailable("smtp_try_later") from cause
    raise Refused("smtp_refused", f"{code} {text}"[:300]) from cause
