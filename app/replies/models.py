"""How far a mailbox has been read. The mailbox itself is left as it is, its marks too: people may read it."""

from datetime import datetime

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from ..core.clock import utcnow
from ..db import Model


class ReplyMailbox(Model):
    """One folder of one account, by the hash of its address. All mails up to `last_uid` have been looked
    at, which holds for as long as the server says the same `uid_validity` (RFC 3501, 2.3.1.1).

    It is read by who has the lease, compared with the database's clock as tasks' are. `failures` in a
    row make the pauses longer; `failing_since` is when the first of them was.
    """

    __tablename__ = "reply_mailboxes"

    id: Mapped[int] = mapped_column(primary_key=True)
    address_hash: Mapped[str] = mapped_column(String(64), unique=True)
    uid_validity: Mapped[int | None] = mapped_column(BigInteger)
    last_uid: Mapped[int | None] = mapped_column(BigInteger)
    due_at: Mapped[datetime] = mapped_column(default=utcnow)
    lease_until: Mapped[datetime | None]
    lease_token: Mapped[str | None] = mapped_column(String(43))
    failures: Mapped[int] = mapped_column(default=0)
    failing_since: Mapped[datetime | None]
    trouble: Mapped[str | None] = mapped_column(String(40))
