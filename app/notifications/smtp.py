"""Handing a message to the mail server. Raises Unavailable or Refused."""

import smtplib
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from email.message import EmailMessage
from email.utils import parseaddr
from functools import lru_cache
from typing import Any
from urllib.parse import unquote, urlsplit

from ..core.config import current_settings
from ..outbox import Unavailable
from .headers import on_wire
from .refusals import of_message, of_recipient, of_sender, ours_to_mend

# A mail that outlives its lease is sent by another worker too, so the whole conversation, not each
# step of it, ends at half the lease.
OF_THE_LEASE = 0.5


class _Smtp(smtplib.SMTP):
    """A conversation that ends `patience` seconds after it began, however slow its steps are."""

    def __init__(self, host: str, port: int, *, patience: float, **more: Any) -> None:
        self._patience = patience
        self._deadline = time.monotonic() + patience
        super().__init__(host, port, timeout=patience, **more)

    def begin_again(self) -> bool:
        """Make ready for another mail, which has the whole time again. False: the server has enough
        of this conversation."""
        self._deadline = time.monotonic() + self._patience
        try:
            return self.rset()[0] == 250
        except (smtplib.SMTPException, OSError):
            return False

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


class _Conversation:
    """What the mails of one job share: a server that has taken one, and listens still."""

    def __init__(self) -> None:
        self.server: _Smtp | None = None

    def take(self) -> "_Smtp | None":
        """The server, if it would take another; whoever fails with it does not give it back."""
        server, self.server = self.server, None
        if server is None or server.begin_again():
            return server
        server.close()
        return None


_shared: ContextVar[_Conversation | None] = ContextVar("smtp_conversation", default=None)


@contextmanager
def one_conversation() -> Iterator[None]:
    """Let all mails that are sent meanwhile share a connection. Connecting, TLS and the sign-in take
    longer than handing over a mail, and servers count connections."""
    conversation = _Conversation()
    before = _shared.set(conversation)
    try:
        yield
    finally:
        _shared.reset(before)
        if conversation.server is not None:
            _take_leave(conversation.server)
            conversation.server.close()


def send(message: EmailMessage) -> str:
    """Deliver `message` to its To address through SMTP_URL. Returns what the server said to it.

    Raises Unavailable for what passes, or is the operator's to mend; Refused for what is final
    (see refusals.py).
    """
    sender = parseaddr(current_settings().mail_from)[1]
    [reader] = message["To"].addresses
    conversation = _shared.get()
    server = (conversation.take() if conversation else None) or _greeted()
    try:
        try:
            said = _hand_over(server, message, sender, on_wire(reader.addr_spec))
        except BaseException:
            server.close()
            raise
        if conversation:
            conversation.server = server
        else:
            _take_leave(server)
            server.close()
    except smtplib.SMTPResponseException as error:
        raise ours_to_mend("mail", error.smtp_code, error.smtp_error) from error
    except (smtplib.SMTPException, OSError) as error:
        raise Unavailable("smtp_unreachable") from error
    return said


def _hand_over(server: smtplib.SMTP, message: EmailMessage, sender: str, reader: str) -> str:
    """MAIL, RCPT, DATA, each refusal told for what it is about."""
    server.ehlo_or_helo_if_needed()
    wire = message.as_bytes()
    sizes = [f"size={len(wire)}"] if server.has_extn("size") else []
    code, words = server.mail(sender, sizes)
    if code != 250:
        raise of_sender(code, words)
    code, words = server.rcpt(reader)
    if code not in {250, 251}:
        raise of_recipient(code, words)
    try:
        code, words = server.data(wire)
    except smtplib.SMTPDataError as error:
        raise of_message(error.smtp_code, error.smtp_error) from error
    if code != 250:
        raise of_message(code, words)
    return f"{code} {words.decode(errors='replace')}"


def _greeted() -> _Smtp:
    """A server that takes mail of ours. What it says before it has seen a mail is about no mail:
    a wrong password, say, is the operator's to mend, and then all that has waited goes out."""
    try:
        return _connect()
    except smtplib.SMTPResponseException as error:
        raise ours_to_mend("greeting", error.smtp_code, error.smtp_error) from error
    except (smtplib.SMTPException, OSError) as error:
        raise Unavailable("smtp_unreachable") from error


def _take_leave(server: smtplib.SMTP) -> None:
    """QUIT. The message is delivered by now: an ill answer here must not send it twice."""
    with suppress(smtplib.SMTPException, OSError):
        server.quit()


def _connect() -> _Smtp:
    settings = current_settings()
    parts = urlsplit(settings.smtp_url)
    host = parts.hostname or "localhost"
    name = settings.greeting_name
    patience = settings.lease.total_seconds() * OF_THE_LEASE
    server: _Smtp
    if parts.scheme == "smtps":
        server = _Smtps(
            host, parts.port or 465, patience=patience, context=_tls(), local_hostname=name
        )
    else:
        server = _Smtp(host, parts.port or 25, patience=patience, local_hostname=name)
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
