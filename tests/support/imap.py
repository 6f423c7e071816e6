"""Mailboxes that are read by IMAP: a small server of our own over a real socket, which can be ill as it is
told to, and Dovecot where that is installed."""

import re
import shutil
import socketserver
import ssl
import subprocess
import tempfile
import threading
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from os import utime
from pathlib import Path
from typing import Protocol

from app.core.clock import utcnow
from scripts.dovecot import find as find_dovecot
from tests.support.services import free_ports, wait_until

USER, PASSWORD = "replies@calsync.example", 'p@ss "word" \\ ü'
SECRET = "replies%40calsync.example:p%40ss%20%22word%22%20%5C%20%C3%BC"
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


class MailboxServer(Protocol):
    """What tests ask of either server; `url` is an IMAP_URL."""

    url: str

    def add(self, mail: bytes, arrived_at: datetime | None = None) -> None: ...

    def renumber(self) -> None: ...


class _Mail:
    def __init__(self, uid: int, content: bytes, arrived_at: datetime) -> None:
        self.uid, self.content, self.arrived_at = uid, content, arrived_at


class StandIn:
    """A mailbox of one account. `hang_at` and `cut_at` name the command at which it stops answering, or
    ends the connection in the middle of its answer; `answers` replaces what it says to one."""

    def __init__(self) -> None:
        self.url = ""
        self.mails: list[_Mail] = []
        self.validity, self.next_uid = 7, 1
        self.commands: list[str] = []
        self.hang_at = self.cut_at = ""
        self.answers: dict[str, bytes] = {}
        self.has_plain = True
        self.released = threading.Event()

    def add(self, mail: bytes, arrived_at: datetime | None = None) -> None:
        self.mails.append(_Mail(self.next_uid, mail, arrived_at or utcnow()))
        self.next_uid += 1

    def renumber(self) -> None:
        """Another UIDVALIDITY: as after a restore, all mails have other numbers."""
        self.validity += 1
        self.next_uid = 1
        for mail in self.mails:
            mail.uid = self.next_uid
            self.next_uid += 1

    def asked(self, command: str) -> list[str]:
        """The commands of this name that came, without their tags."""
        return [one for one in self.commands if one.upper().startswith(command)]


class _Conversation(socketserver.StreamRequestHandler):
    server: "_Server"
    disable_nagle_algorithm = True

    def handle(self) -> None:
        with suppress(OSError):
            self._say(b"* OK ready")
            while line := self.rfile.readline():
                tag, _, command = line.decode().strip().partition(" ")
                if not self._answer(tag, command):
                    return

    def _say(self, line: bytes) -> None:
        self.wfile.write(line + b"\r\n")

    def _answer(self, tag: str, command: str) -> bool:
        box = self.server.box
        box.commands.append(command)
        name = command.upper().removeprefix("UID ").split()[0]
        if name == box.hang_at:
            box.released.wait(20)
            return False
        said = box.answers.get(name) or getattr(self, f"_{name.lower()}")(command)
        if name == box.cut_at:
            self.wfile.write(said[: len(said) // 2])
            return False
        self.wfile.write(said)
        if name == "AUTHENTICATE":
            said = self._check(self.rfile.readline().strip())
            self.wfile.write(said)
        status = b"OK" if b"* NO" not in said else b"NO"
        self._say(tag.encode() + b" " + status + b" done")
        return name != "LOGOUT"

    def _capability(self, _command: str) -> bytes:
        plain = b" AUTH=PLAIN" if self.server.box.has_plain else b""
        return b"* CAPABILITY IMAP4rev1" + plain + b"\r\n"

    def _authenticate(self, _command: str) -> bytes:
        return b"+ \r\n"

    def _check(self, secret: bytes) -> bytes:
        is_right = b64decode(secret).decode() == f"\0{USER}\0{PASSWORD}"
        return b"" if is_right else b"* NO wrong password\r\n"

    def _login(self, command: str) -> bytes:
        return b"" if command == f'LOGIN "{USER}" "simple"' else b"* NO wrong password\r\n"

    def _examine(self, command: str) -> bytes:
        box = self.server.box
        if command != 'EXAMINE "INBOX"':
            return b"* NO no such folder\r\n"
        return (
            f"* {len(box.mails)} EXISTS\r\n* OK [UIDVALIDITY {box.validity}] yes\r\n"
            f"* OK [UIDNEXT {box.next_uid}] yes\r\n* OK [READ-ONLY] yes\r\n"
        ).encode()

    def _search(self, command: str) -> bytes:
        found = self._chosen(command)
        return f"* SEARCH {' '.join(str(mail.uid) for mail in found)}".rstrip().encode() + b"\r\n"

    def _chosen(self, command: str) -> list[_Mail]:
        mails = self.server.box.mails
        if since := re.search(r"SINCE (\d+)-(\w+)-(\d+)", command):
            day = datetime(int(since[3]), MONTHS.index(since[2]) + 1, int(since[1]), tzinfo=UTC)
            return [mail for mail in mails if mail.arrived_at >= day]
        first, last = re.search(r"UID SEARCH UID (\d+):(\d+)", command).groups()  # type: ignore[union-attr]
        return [mail for mail in mails if int(first) <= mail.uid <= int(last)]

    def _fetch(self, command: str) -> bytes:
        numbers = {int(uid) for uid in command.split()[2].split(",")}
        wanted = [mail for mail in self.server.box.mails if mail.uid in numbers]
        return b"".join(
            self._head(mail) if "HEADER" in command else self._content(mail, command)
            for mail in wanted
        )

    def _head(self, mail: _Mail) -> bytes:
        field = re.search(rb"^content-type:.*$", mail.content, re.MULTILINE | re.IGNORECASE)
        value = (field[0].strip() if field else b"") + b"\r\n\r\n"
        when = f"{mail.arrived_at:%d}-{MONTHS[mail.arrived_at.month - 1]}-{mail.arrived_at:%Y %H:%M:%S %z}"
        said = f'* 1 FETCH (UID {mail.uid} RFC822.SIZE {len(mail.content)} INTERNALDATE "{when}"'
        literal = f" BODY[HEADER.FIELDS (CONTENT-TYPE)]<0> {{{len(value)}}}\r\n"
        return (said + literal).encode() + value + b")\r\n"

    def _content(self, mail: _Mail, command: str) -> bytes:
        most = int(re.search(r"<0\.(\d+)>", command)[1])  # type: ignore[index]
        part = mail.content[:most]
        head = f"* 1 FETCH (BODY[]<0> {{{len(part)}}}\r\n".encode()
        return head + part + f" UID {mail.uid})\r\n".encode()

    def _logout(self, _command: str) -> bytes:
        return b"* BYE\r\n"


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True
    box: StandIn

    def __init__(self, box: StandIn, tls: ssl.SSLContext | None) -> None:
        self.box, self._tls = box, tls
        super().__init__(("127.0.0.1", 0), _Conversation)

    def get_request(self):
        connection, address = super().get_request()
        return (self._tls.wrap_socket(connection, True) if self._tls else connection), address

    def handle_error(self, *_request: object) -> None:
        """A client that hangs up is what some tests are about."""


@contextmanager
def running_stand_in(tls: ssl.SSLContext | None = None) -> Iterator[StandIn]:
    box = StandIn()
    with _Server(box, tls) as server:
        port = server.server_address[1]
        scheme, host = ("imaps", "localhost") if tls else ("imap", "127.0.0.1")
        box.url = f"{scheme}://{SECRET}@{host}:{port}/"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield box
        finally:
            box.released.set()
            server.shutdown()
            thread.join()


class Dovecot:
    """A real server's mailbox: its files are the Maildir that mails are put into."""

    def __init__(self, folder: Path, url: str) -> None:
        self.url = url
        self._maildir = folder / "mail"
        self._count = 0
        self._validity = 0

    def add(self, mail: bytes, arrived_at: datetime | None = None) -> None:
        self._count += 1
        path = self._maildir / "new" / f"{1_700_000_000 + self._count}.M{self._count}.calsync"
        path.write_bytes(mail)
        shutil.chown(path, "mail", "mail")
        if arrived_at:
            utime(path, (arrived_at.timestamp(), arrived_at.timestamp()))

    def clear(self) -> None:
        """An empty mailbox that nobody has read."""
        for path in (*self._maildir.glob("new/*"), *self._maildir.glob("cur/*")):
            path.unlink()
        self.renumber()

    def renumber(self) -> None:
        """Without its lists it begins to count anew, under another UIDVALIDITY."""
        for path in self._maildir.glob("dovecot*"):
            path.unlink()
        self._validity += 1
        (self._maildir / "dovecot-uidlist").write_text(
            f"3 V{self._validity} N1 G{'0123456789abcdef' * 2}\n"
        )
        shutil.chown(self._maildir / "dovecot-uidlist", "mail", "mail")


CONFIGURATION = """
protocols = imap
listen = 127.0.0.1
base_dir = {folder}/run
log_path = {folder}/log
ssl = no
disable_plaintext_auth = no
first_valid_uid = 1
mail_location = maildir:{folder}/mail
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {folder}/users
}}
userdb {{
  driver = static
  args = uid=mail gid=mail home={folder}
}}
service imap-login {{
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
"""


@contextmanager
def running_dovecot() -> Iterator[Dovecot]:
    """Where scripts.dovecot finds one."""
    program = find_dovecot()
    assert program
    with tempfile.TemporaryDirectory(prefix="calsync-dovecot-") as name:
        folder, port = Path(name), free_ports(1)[0]
        folder.chmod(0o755)
        for part in ("cur", "new", "tmp"):
            (folder / "mail" / part).mkdir(parents=True)
        for path in (folder / "mail", *(folder / "mail").iterdir()):
            shutil.chown(path, "mail", "mail")
        (folder / "users").write_text(f"{USER}:{{PLAIN}}{PASSWORD}\n")
        (folder / "dovecot.conf").write_text(CONFIGURATION.format(folder=folder, port=port))
        log = folder / "log"
        process = subprocess.Popen([program, "-F", "-c", str(folder / "dovecot.conf")])
        try:
            wait_until(lambda: log.exists() and "starting up" in log.read_text(), "Dovecot's start")
            yield Dovecot(folder, f"imap://{SECRET}@127.0.0.1:{port}")
        finally:
            process.terminate()
            process.wait(timeout=10)
