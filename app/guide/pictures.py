"""The pictures of CalSync's own screens that the documentation shows: static/guide/*.webp.

scripts/guide_pictures.py takes them, with DENSITY pixels to each pixel of the page.
"""

import mimetypes
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "static" / "guide"
DENSITY = 2

# Python 3.11 knows the type only where the system has a list of types; slim images have none.
mimetypes.add_type("image/webp", ".webp")


@dataclass(frozen=True)
class Picture:
    """A file under static/, and the place it takes on a page, in CSS pixels."""

    path: str
    width: int
    height: int


@lru_cache
def find_picture(name: str, language: str) -> Picture:
    """A screen as it looks in that language. Raises FileNotFoundError when none was taken."""
    file = FOLDER / f"{name}.{language}.webp"
    width, height = _size_of(file.read_bytes()[:30])
    return Picture(f"{FOLDER.name}/{file.name}", width // DENSITY, height // DENSITY)


def _size_of(head: bytes) -> tuple[int, int]:
    """Width and height in pixels, from the first 30 bytes of a lossy WebP file.

    RFC 9649: in the plain format (2.5) a VP8 key frame begins, with both as 14 bits; in the
    extended one (2.7), for files with a colour profile, both stand as 24 bits, less one.
    """
    if head[8:16] == b"WEBPVP8X":
        return _number(head[24:27]) + 1, _number(head[27:30]) + 1
    if head[8:16] == b"WEBPVP8 ":
        return _number(head[26:28]) & 0x3FFF, _number(head[28:30]) & 0x3FFF
    raise ValueError("not a lossy WebP file")


def _number(part: bytes) -> int:
    return int.from_bytes(part, "little")
