"""What a mail server's refusal is about: the recipient, the message, or us.

Only what is about the recipient or the message is final, and shown to the host. A refusal of our
sender, our sign-in, our greeting or our right to relay is the operator's to mend: it fails no mail,
all wait, and go out once it is mended. So does whatever nobody understands.

Sources: RFC 5321, 4.2.2; RFC 3463 and RFC 7372, whose enhanced codes say it best where servers send
them.
"""

import re

from ..core.logs import log
from ..outbox import Refused, Unavailable

ENHANCED = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
# X.1.7 and X.1.8 are about the sender's address; the rest of X.1 and all of X.2 about the reader's.
ABOUT_SENDER = {("1", "7"), ("1", "8")}
ABOUT_RECIPIENT = {"1", "2"}
# Without an enhanced code: no such mailbox, elsewhere, full, no mail for it (RFC 7504).
RECIPIENT_CODES = {550, 551, 552, 553, 556}
# What servers write when they mean us, whatever the number.
ABOUT_US = re.compile(
    r"relay|authenti|not (permitted|allowed|authori[sz]ed)|rcpthosts|sender|spf|dkim|dmarc|helo|ehlo"
    r"|reverse dns|\bptr\b|blocked|blacklist|block list|listed|reputation|rate limit|quota exceeded for",
    re.IGNORECASE,
)
ADDRESS = re.compile(r"<?[^\s<>]+@[^\s<>]+>?")
LONGEST = 300


def ours_to_mend(step: str, code: int, words: bytes | str) -> Unavailable:
    """Wait, and tell the operator what the server says."""
    log.error("the mail server refuses us", step=step, code=code, words=nameless(words))
    return Unavailable("smtp_refuses_us")


def of_sender(code: int, words: bytes | str) -> Unavailable:
    """MAIL FROM is always about us."""
    if code < 500:
        return _later("sender", code, words)
    return ours_to_mend("sender", code, words)


def of_recipient(code: int, words: bytes | str) -> Unavailable | Refused:
    """RCPT TO: final where the server says that the mailbox is the trouble."""
    if code < 500:
        return _later("recipient", code, words)
    text = _text(words)
    is_about_it = code in RECIPIENT_CODES and not ABOUT_US.search(text)
    if found := ENHANCED.search(text):
        _class, subject, detail = found.groups()
        is_about_it = subject in ABOUT_RECIPIENT and (subject, detail) not in ABOUT_SENDER
    return _final(code, text) if is_about_it else ours_to_mend("recipient", code, words)


def of_message(code: int, words: bytes | str) -> Unavailable | Refused:
    """DATA: final unless the server says that it is about who sends."""
    if code < 500:
        return _later("message", code, words)
    text = _text(words)
    return ours_to_mend("message", code, words) if ABOUT_US.search(text) else _final(code, text)


def nameless(words: bytes | str) -> str:
    """A server's words without the addresses in them, for the log."""
    return ADDRESS.sub("…", _text(words))[:LONGEST]


def _later(step: str, code: int, words: bytes | str) -> Unavailable:
    log.warning("the mail server says later", step=step, code=code, words=nameless(words))
    return Unavailable("smtp_try_later")


def _final(code: int, text: str) -> Refused:
    return Refused("smtp_refused", f"{code} {text}"[:LONGEST])


def _text(words: bytes | str) -> str:
    text = words.decode(errors="replace") if isinstance(words, bytes) else words
    return " ".join(text.split())
