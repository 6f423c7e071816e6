"""Reading a mailbox by IMAP (RFC 3501), and changing nothing in it: EXAMINE and PEEK. Raises Unavailable.

Five commands of the standard library's imaplib. A whole conversation ends when its patience does, however
slow its steps are, and no answer is read that is longer than a mail may be.
"""

import imaplib
import re
import ssl
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from ..core.clock import utcnow
from ..core.errors import Unavailable

LONGEST_ANSWER = 2 * 1024 * 1024  # bytes: some more than the largest mail that is read
LONGEST_LINE = 1_000_000
CHUNK = 64 * 1024
FIELD = "BODY.PEEK[HEADER.FIELDS (CONTENT-TYPE)]<0.400>"
UID = re.compile(rb"\bUID (\d+)")
SIZE = re.compile(rb"\bRFC822\.SIZE (\d+)")
ARRIVED = re.compile(rb'\bINTERNALDATE "([^"]+)"')


class Address(NamedTuple):
    """What IMAP_URL says."""

    scheme: str
    host: str
    port: int
    user: str
    password: str
    folder: str

    @property
    def name(self) -> str:
        """Whose folder it is, where; without the password."""
        return f"{self.user}@{self.host}:{self.port}/{self.folder}"


class Head(NamedTuple):
    """What is asked of a mail before it is fetched; `size` in bytes, `content_type` as it is written."""

    uid: int
    size: int
    arrived_at: datetime
    content_type: str


def address_of(url: str) -> Address:
    """`imaps://user:password@host:port/Folder`, with the port and the folder that are left out."""
    parts = urlsplit(url)
    return Address(
        scheme=parts.scheme,
        host=parts.hostname or "localhost",
        port=parts.port or (993 if parts.scheme == "imaps" else 143),
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        folder=unquote(parts.path.strip("/")) or "INBOX",
    )


class _Imap(imaplib.IMAP4):
    """A conversation that ends `patience` seconds after it began."""

    def __init__(self, host: str, port: int, *, patience: float, **more: Any) -> None:
        self._deadline = time.monotonic() + patience
        self._late_at = self._deadline - patience / 3
        super().__init__(host, port, timeout=patience, **more)

    def open(self, host: str = "", port: int = 143, timeout: float | None = None) -> None:
        super().open(host, port, timeout)
        self._stream = self.sock.makefile("rb")

    def shutdown(self) -> None:
        self._stream.close()
        super().shutdown()

    def read(self, size: int) -> bytes:
        if size > LONGEST_ANSWER:
            raise self.abort("an answer longer than any that was asked for")
        parts: list[bytes] = []
        while size > 0:
            self.hurry()
            part = self._stream.read1(min(size, CHUNK))
            if not part:
                raise self.abort("the connection was cut")
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def readline(self) -> bytes:
        line = b""
        while not line.endswith(b"\n"):
            self.hurry()
            ahead = self._stream.peek(1)
            if not ahead or len(line) > LONGEST_LINE:
                raise self.abort("the connection was cut, or a line has no end")
            line += self._stream.read1(ahead.find(b"\n") + 1 or len(ahead))
        return line

    @property
    def is_late(self) -> bool:
        """Whether so little time is left that the rest is better left to another conversation."""
        return time.monotonic() > self._late_at

    def hurry(self) -> None:
        """Let the next step take no longer than there is time. Raises TimeoutError without any."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self.sock.settimeout(left)


class _Imaps(_Imap, imaplib.IMAP4_SSL):  # type: ignore[misc]  # typeshed has other parameters
    """The same with TLS from the start."""


class Mailbox:
    """An open folder. `uid_validity` and `next_uid` are the server's."""

    def __init__(self, server: _Imap, uid_validity: int, next_uid: int) -> None:
        self._server = server
        self.uid_validity = uid_validity
        self.next_uid = next_uid

    @property
    def is_late(self) -> bool:
        return self._server.is_late

    def since(self, day: date) -> list[int]:
        """The UIDs of what has arrived on that day or later, ascending."""
        return self._search("SINCE", f"{day.day}-{_MONTHS[day.month - 1]}-{day.year}")

    def between(self, first: int, last: int) -> list[int]:
        """The UIDs that are there from `first` to `last`, ascending."""
        return [uid for uid in self._search("UID", f"{first}:{last}") if first <= uid <= last]

    def heads(self, uids: Sequence[int]) -> list[Head]:
        """What these mails are, as far as the server tells."""
        wanted = ",".join(str(uid) for uid in uids)
        return list(_heads(self._fetch(wanted, f"(UID RFC822.SIZE INTERNALDATE {FIELD})")))

    def content(self, uid: int, most: int) -> bytes:
        """The first `most` bytes of a mail; none where it is gone."""
        answer = self._fetch(str(uid), f"(BODY.PEEK[]<0.{most}>)")
        return next((item[1] for item in answer if isinstance(item, tuple)), b"")

    def _search(self, *criteria: str) -> list[int]:
        _, [found] = _ok(self._server.uid("SEARCH", *criteria), "imap_odd_answer")
        return sorted(int(number) for number in (found or b"").split())

    def _fetch(self, uids: str, items: str) -> list[Any]:
        return _ok(self._server.uid("FETCH", uids, items), "imap_odd_answer")[1]


_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()  # noqa: SIM905  (as the RFC has them)


@contextmanager
def opened(address: Address, patience: float) -> Iterator[Mailbox]:
    """The folder, for reading, and for `patience` seconds in all. Raises Unavailable, within as well."""
    with _told_as_unavailable():
        server = _connect(address, patience)
        try:
            _sign_in(server, address)
            yield _examine(server, address.folder)
            with suppress(imaplib.IMAP4.error, OSError):
                server.logout()
        finally:
            with suppress(OSError):
                server.shutdown()


@contextmanager
def _told_as_unavailable() -> Iterator[None]:
    try:
        yield
    except ssl.SSLError as error:
        raise Unavailable("imap_tls") from error
    except (imaplib.IMAP4.abort, OSError) as error:
        raise Unavailable("imap_unreachable") from error
    except (imaplib.IMAP4.error, ValueError, IndexError, TypeError) as error:
        # What imaplib makes of an answer that is none.
        raise Unavailable("imap_odd_answer") from error


def _connect(address: Address, patience: float) -> _Imap:
    if address.scheme == "imaps":
        return _Imaps(address.host, address.port, patience=patience, ssl_context=_tls())
    return _Imap(address.host, address.port, patience=patience)


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


def _sign_in(server: _Imap, address: Address) -> None:
    secret = f"\0{address.user}\0{address.password}".encode()
    try:
        if "AUTH=PLAIN" in server.capabilities:
            server.authenticate("PLAIN", lambda _challenge: secret)
        else:
            server.login(_quoted(address.user), address.password)
    except (imaplib.IMAP4.abort, OSError):
        raise
    except (imaplib.IMAP4.error, UnicodeError) as error:
        raise Unavailable("imap_login_refused") from error


def _examine(server: _Imap, folder: str) -> Mailbox:
    _ok(server.select(_quoted(folder), readonly=True), "imap_folder_missing")
    _, [validity] = server.response("UIDVALIDITY")
    _, [next_uid] = server.response("UIDNEXT")
    return Mailbox(server, int(validity), int(next_uid))


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _ok(answer: tuple[str, list[Any]], reason: str) -> tuple[str, list[Any]]:
    if answer[0] != "OK":
        raise Unavailable(reason)
    return answer


def _heads(answer: list[Any]) -> Iterator[Head]:
    """imaplib gives a pair for each literal, what comes before it and its bytes, then what follows it."""
    for item, after in zip(answer, [*answer[1:], b""], strict=True):
        if not isinstance(item, tuple):
            continue  # no field of that name, or news of another mail's marks
        said = item[0] + (after if isinstance(after, bytes) else b"")
        uid, size, arrived = (known.search(said) for known in (UID, SIZE, ARRIVED))
        if uid and size:
            _name, _colon, content_type = item[1].decode("ascii", errors="replace").partition(":")
            yield Head(int(uid[1]), int(size[1]), _instant(arrived), content_type.strip())


def _instant(arrived: re.Match[bytes] | None) -> datetime:
    if arrived:
        with suppress(ValueError):
            written = arrived[1].decode("ascii", errors="replace").strip()
            return datetime.strptime(written, "%d-%b-%Y %H:%M:%S %z").astimezone(UTC)
    return utcnow()
