"""Finding calendars in a mail that anybody may have written, within bounds.

Python's parser of mails is quick for what people send, and slow for what was made to be slow: parts
nested hundreds of times, a Content-Type of a million parameters, charsets that take the square of a
text's length. Such mails are left alone.
"""

import re
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message

from ..ical.replies import LONGEST

LARGEST = 1024 * 1024  # bytes of a mail; calendars' answers have some thousand
MOST_NESTED = 8  # parts of parts; an answer has one to three
LONGEST_HEADER = 2_000  # characters of one that says what a part is
CALENDARS = {"text/calendar", "application/ics"}
NESTING = re.compile(rb"multipart/|message/", re.IGNORECASE)
# A line of a mail may end in either of the two, or in both.
CONTENT_HEADER = re.compile(
    rb"(?:^|(?<=[\r\n]))content-[a-z-]+:[^\r\n]*(?:(?:\r\n|\r|\n)[ \t][^\r\n]*)*", re.IGNORECASE
)
# What calendars are written in. Another charset is read as UTF-8: what matters is ASCII.
CHARSETS = {
    "utf-8", "us-ascii", "utf-16", "iso-8859-1", "iso-8859-15", "windows-1252",
    "iso-2022-jp", "shift_jis", "cp932", "euc-jp", "euc-kr", "gb18030", "big5",
}  # fmt: skip


def calendars_in(mail: bytes) -> Iterator[tuple[str, str]]:
    """The text of each calendar in a mail, each once, with the method that its part names."""
    if not _is_plain(mail):
        return
    told = set()
    for part in message_from_bytes(mail).walk():
        if part.get_content_type() not in CALENDARS:
            continue
        found = (_text_of(part), _method_of(part))
        if found[0] and found not in told:
            told.add(found)
            yield found


def _is_plain(mail: bytes) -> bool:
    """Whether it can be taken apart without waiting for it."""
    if len(mail) > LARGEST or len(NESTING.findall(mail)) > MOST_NESTED:
        return False
    return all(len(found[0]) <= LONGEST_HEADER for found in CONTENT_HEADER.finditer(mail))


def _text_of(part: Message) -> str:
    """What a part holds, in characters; nothing for one that no calendar is as long as."""
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes) or len(content) > 4 * LONGEST:
        return ""
    charset = (part.get_content_charset() or "utf-8").lower()
    return content.decode(charset if charset in CHARSETS else "utf-8", errors="replace")


def _method_of(part: Message) -> str:
    method = part.get_param("method")
    return method if isinstance(method, str) else ""
