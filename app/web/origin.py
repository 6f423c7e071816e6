"""Where a form comes from, for forms that carry no session."""

from http import HTTPStatus
from urllib.parse import urlsplit

from flask import abort, request

from ..core.config import current_settings


def refuse_foreign_origin() -> None:
    """Forbid a form that another site sent: for forms that carry no session. :raises 403:"""
    if is_from_elsewhere():
        abort(HTTPStatus.FORBIDDEN)


def is_from_elsewhere() -> bool:
    """Whether another site sent this form.

    Browsers say where a form comes from in Sec-Fetch-Site. Older ones say it in Origin, which
    is `null` for our own pages that send no referrer.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site not in {"same-origin", "none"}
    own = urlsplit(request.host_url)
    known = {None, "null", f"{own.scheme}://{own.netloc}", _public_origin()}
    return request.headers.get("Origin") not in known


def _public_origin() -> str:
    parts = urlsplit(current_settings().public_base_url)
    return f"{parts.scheme}://{parts.netloc}"
