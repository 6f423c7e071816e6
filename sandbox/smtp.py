"""The SMTP door of the mailbox: any sender, any recipient, this machine only."""

from __future__ import annotations

import asyncio

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from sandbox import faults, mailbox
from sandbox.settings import Settings
from sandbox.store import Store


class Door:
    """Decides about each mail; the method names are aiosmtpd's."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def handle_RCPT(
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        """Take every recipient, unless a refusal for good was ordered."""
        waiting = self._store.row("SELECT kind FROM faults WHERE lane = 'smtp' ORDER BY id")
        if waiting is not None and waiting["kind"] == "smtp-550":
            faults.take(self._store, "smtp")
            return "550 5.1.1 No such mailbox here"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Keep the mail; or refuse it for now; or keep it and leave without a word.

        A sender that leaves during a pause ends this: what was not kept by then never is.
        """
        fault = faults.take(self._store, "smtp")
        if fault and fault.kind == "smtp-451":
            return "451 4.3.0 Mailbox is busy, try again later"
        if fault and fault.kind == "smtp-slow":
            await asyncio.sleep(fault.pause)
        content = envelope.original_content or b""
        mail_id = mailbox.keep(
            self._store, envelope.mail_from or "", list(envelope.rcpt_tos), content
        )
        if fault and fault.kind == "smtp-slow-reply":
            await asyncio.sleep(fault.pause)
        if fault and fault.kind == "smtp-drop-after-data":
            cut(server)
        return f"250 OK kept as {mail_id}"


def cut(server: SMTP) -> None:
    """End the client's connection at once, with nothing more said."""
    if isinstance(server.transport, asyncio.Transport):
        server.transport.abort()


def controller(settings: Settings, store: Store) -> Controller:
    """A server with a thread of its own, not yet started."""
    return Controller(
        Door(store),
        hostname="127.0.0.1",
        port=settings.smtp_port,
        enable_SMTPUTF8=True,
        ident="sandbox mailbox",
    )
