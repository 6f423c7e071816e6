"""Headers that arrive as they were written.

Python's own folding (until 3.12.5) drops spaces between an encoded word and its neighbour:
`with Aya Sato, 2026年` arrived as `with Aya Sato,2026年`. Here a header that is not plain ASCII is
encoded as a whole (RFC 2047), names and subject alike.

So is a text that only looks encoded: Python would read `=?utf-8?q?Ken=0D=0ABcc:_x?=`, which a
client may give as a name, as two lines, and the second as a header.
"""

import re
from email.header import Header
from email.headerregistry import Address, HeaderRegistry, UniqueUnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from functools import lru_cache
from typing import Any

ENCODED_WORD = "=?"
# RFC 5322, 3.2.3: what a local part is that needs no quotes.
DOT_ATOM = re.compile(
    r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*", re.IGNORECASE
)


def box(name: str, address: str) -> Address:
    """A name with its address, which may be one that Python's own check refuses."""
    local, _at, domain = address.rpartition("@")
    return Address(name, username=local, domain=domain)


def on_wire(address: str) -> str:
    """An address as servers read it: `taro..yamada.@docomo.example`, which Japanese carriers gave out
    for years, needs its local part quoted."""
    local, _at, domain = address.rpartition("@")
    return address if DOT_ATOM.fullmatch(local) else f'"{local}"@{domain}'


def as_written(text: str) -> str:
    """`text` for an unstructured header, which decodes what it is given."""
    return Header(text, "utf-8").encode(maxlinelen=0) if ENCODED_WORD in text else text


class WholeHeaders(EmailPolicy):
    """Python's SMTP policy with these changes."""

    def fold(self, name: str, value: Any) -> str:
        return self._whole(name, value) or super().fold(name, value)

    def fold_binary(self, name: str, value: Any) -> bytes:
        whole = self._whole(name, value)
        return whole.encode("ascii") if whole else super().fold_binary(name, value)

    def _whole(self, name: str, value: Any) -> str | None:
        lead = f"{name}: "
        text = str(value)
        boxes = getattr(value, "addresses", ())
        for one in boxes:
            text = text.replace(one.addr_spec, on_wire(one.addr_spec))
        if text.isascii() and ENCODED_WORD not in text:
            if len(lead) + len(text) <= (self.max_line_length or 0):
                return lead + text + self.linesep
            if " " not in text:
                return lead + text + self.linesep  # an address, which nothing may cut
            # Python may begin a long one with an empty line, which some servers refuse.
            if not boxes and name.lower() != "subject":
                return None
        if boxes:
            written = (
                f"{_encoded(one.display_name, len(lead), self.linesep)} <{on_wire(one.addr_spec)}>"
                for one in boxes
            )
            return lead + ", ".join(written) + self.linesep
        return lead + _encoded(text, len(lead), self.linesep) + self.linesep


def _encoded(text: str, taken: int, linesep: str) -> str:
    """RFC 2047 encoded words; the first line has `taken` columns less."""
    return Header(text, "utf-8", maxlinelen=75, header_name=" " * (taken - 2)).encode(
        linesep=linesep
    )


class _Headers(HeaderRegistry):
    """Python's kinds of headers, each made once: a mail has thirty, and it makes a class for each.

    What we say of a part's content is plain ASCII, and need not be taken apart to be written.
    """

    @lru_cache(maxsize=64)  # noqa: B019  (there is one, for as long as the process lives)
    def __getitem__(self, name: str) -> Any:
        return super().__getitem__(name)


_HEADERS = _Headers()
for _name in ("content-type", "content-transfer-encoding"):
    _HEADERS.map_to_type(_name, UniqueUnstructuredHeader)  # type: ignore[arg-type]

# 7-bit throughout: Python sends 8-bit bodies to servers that did not say they take them.
POLICY = WholeHeaders(linesep=SMTP.linesep, header_factory=_HEADERS, cte_type="7bit")


def say_a_machine_wrote_it(message: EmailMessage) -> None:
    """Nobody's absence is to be told to a machine (RFC 3834, and Exchange's own word)."""
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "OOF, AutoReply"
