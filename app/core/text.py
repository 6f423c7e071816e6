"""How text that people type is taken in: cut first, cleaned of what nobody can see, else kept as typed.

Only what is compared is folded: mail addresses, numbers, addresses of pages, what is searched for.
Compatibility forms (NFKC) in a name or a title are the person's own choice: ㈱, ①, （無料）, 10㎡.

Everything is cut before it is looked at. Normalizing takes time that grows with the square of a run
of combining marks: 124,000 of them held a process for twenty seconds.
"""

import re
import unicodedata
from contextlib import suppress
from urllib.parse import quote, unquote

from email_validator import EmailNotValidError, validate_email

# A few times a field's maximum is kept, so that a text which is too long can be shown again.
TIMES_THE_MOST = 4
LONGEST_ADDRESS = 1_000
LONGEST_FOLDED = 400
# More marks on one letter than any language has (UAX #15, stream-safe text).
MOST_MARKS = 30

LINE_BREAKS = re.compile(r"\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
# Runs that break or indent a line; other spaces, the Japanese full-width one too, are typed on purpose.
BREAKS = re.compile(r"[ ]*[\t\n]+[ ]*")
CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\ufeff\ud800-\udfff]")
# What turns the direction of all that follows it (Trojan Source, CVE-2021-42574).
OVERRIDES = re.compile(r"[\u202a-\u202e\u2066-\u2069]")
# Invisible tags, except where they spell a flag's region after a black flag (UTS #51).
TAGS = re.compile(
    "(\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{1,8}\U000e007f)|[\U000e0000-\U000e007f]"
)
# Left in copied addresses by web pages, word processors and chats.
IN_ADDRESSES = re.compile(
    r"[\x00-\x08\x0e-\x1f\x7f-\x9f\xad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]"
)
NAMED = re.compile(r"[^<>]*<([^<>]+)>\W*")
# Letters that are drawn as nothing: Hangul fillers, the Braille pattern of no dots.
BLANK_LETTERS = frozenset("\u115f\u1160\u3164\uffa0\u2800\u17b4\u17b5")
INVISIBLE_KINDS = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zs", "Zl", "Zp", "Mn", "Me"})
DOTS = re.compile(r"\.+")


def lines(text: str | None, most: int) -> str:
    """Several lines as typed: line ends are `\\n`, white space at both ends goes. `most` is the
    field's maximum; a text of nothing visible is empty."""
    kept = LINE_BREAKS.sub("\n", (text or "")[: most * TIMES_THE_MOST])
    kept = _composed(CONTROLS.sub("", kept)).strip()
    return kept if is_visible(kept) else ""


def line(text: str | None, most: int) -> str:
    """The same for one line: breaks become spaces, so that no input can add a header, and nothing
    turns the direction of what stands beside it."""
    kept = BREAKS.sub(" ", LINE_BREAKS.sub("\n", (text or "")[: most * TIMES_THE_MOST]))
    kept = TAGS.sub(lambda found: found[1] or "", OVERRIDES.sub("", CONTROLS.sub("", kept)))
    kept = _composed(kept).strip()
    return kept if is_visible(kept) else ""


def is_visible(text: str) -> bool:
    """Whether anything of it can be seen."""
    return any(
        unicodedata.category(character) not in INVISIBLE_KINDS and character not in BLANK_LETTERS
        for character in text
    )


def fold(text: str | None) -> str:
    """What is compared and not kept, such as a number or a time: NFKC, one line, single spaces.

    Japanese keyboards send full-width digits and letters, and nobody should have to type them
    again.
    """
    short = _with_few_marks((text or "")[:LONGEST_FOLDED])
    return " ".join(CONTROLS.sub("", unicodedata.normalize("NFKC", short)).split())


def fold_for_search(text: str) -> str:
    """The form in which a search compares: (株) is found in ㈱, カ in ｶ, É in é."""
    return unicodedata.normalize("NFKC", _with_few_marks(text[:LONGEST_ADDRESS])).lower()


def fold_address(text: str | None) -> str:
    """A mail address in the one form it is compared and kept in: lower case, an international
    domain in its ASCII spelling. `mailto:a@b?subject=…` and `Name <a@b>` are understood."""
    typed = unicodedata.normalize("NFKC", _with_few_marks((text or "")[:LONGEST_ADDRESS]))
    typed = IN_ADDRESSES.sub("", typed).strip()
    if typed[:7].lower() == "mailto:":
        typed = unquote(typed[7:].partition("?")[0])
    elif named := NAMED.fullmatch(typed):
        typed = named[1]
    local, at, domain = typed.strip().lower().rpartition("@")
    if not domain.isascii():
        with suppress(EmailNotValidError):
            domain = validate_email(f"x@{domain}", check_deliverability=False).ascii_domain
    return f"{local}{at}{domain}"


def is_address(address: str) -> bool:
    """Whether mail can be sent to a folded address.

    What is before the @ must be ASCII, since few mail servers take more (RFC 6531), and must not
    look like an encoded word (RFC 2047), or no mail about it could be written. Dots may follow one
    another or stand at an end: Japanese carriers gave such addresses out for years.
    """
    local, at, domain = address.rpartition("@")
    dotted = DOTS.sub(".", local).strip(".")
    if not at or "=?" in address or len(local) > 64:  # RFC 5321, 4.5.3.1.1
        return False
    try:
        validate_email(f"{dotted}@{domain}", check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError:
        return False
    return True


def mailto(address: str) -> str:
    """The URI of a mail address (RFC 6068): `a?bcc=c@d` must not become a header of the mail."""
    local, _at, domain = address.rpartition("@")
    return f"mailto:{quote(local, safe='')}@{quote(domain, safe='')}"


def _composed(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFC", _with_few_marks(text))


def _with_few_marks(text: str) -> str:
    """At most MOST_MARKS combining marks in a row: none is ever typed beyond, and sorting them is
    what makes normalizing slow."""
    if text.isascii():
        return text
    kept: list[str] = []
    run = 0
    for character in text:
        run = run + 1 if unicodedata.combining(character) else 0
        if run <= MOST_MARKS:
            kept.append(character)
    return "".join(kept)
