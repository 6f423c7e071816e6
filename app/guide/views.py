"""What anybody may read: documentation, support, privacy, terms.

The long texts are written once a language, side by side: guide/<page>.<language>.html.
"""

from datetime import date

from flask import Blueprint
from flask.typing import ResponseReturnValue

from ..core.config import current_settings
from ..i18n import LANGUAGES, current_language, language_in_address
from ..web.htmx import render
from .pictures import find_picture

bp = Blueprint("guide", __name__)

# When the words of a page last changed, in either language: changed together with them.
UPDATED = {
    "docs": date(2026, 11, 25),
    "privacy": date(2026, 11, 25),
    "terms": date(2026, 11, 22),
}


@bp.get("/docs")
def documentation() -> ResponseReturnValue:
    """How to add, use and remove CalSync; permissions, data, troubleshooting."""
    return _text("docs")


@bp.get("/privacy")
def privacy() -> ResponseReturnValue:
    """What is done with data: a template for the operator to complete."""
    return _text("privacy")


@bp.get("/terms")
def terms() -> ResponseReturnValue:
    """The terms: a template for the operator to complete."""
    return _text("terms")


def _text(name: str) -> ResponseReturnValue:
    return render(
        "guide/text.html",
        name=name,
        updated=UPDATED[name],
        find_picture=find_picture,
        language_query=language_in_address(),
    )


@bp.get("/support")
def support() -> ResponseReturnValue:
    """Whom to write to, and when an answer comes, where the operator has said so."""
    settings = current_settings()
    return render(
        "guide/support.html",
        hours=_for_the_reader(settings.support_hours),
        response_time=_for_the_reader(settings.support_response_time),
        language_query=language_in_address(),
    )


def _for_the_reader(text: str) -> str:
    """The reader's part of an operator's `English | 日本語`; without a bar, the text is for all."""
    parts = [part.strip() for part in text.split("|")]
    return dict(zip(LANGUAGES, parts, strict=False)).get(current_language()) or parts[0]
