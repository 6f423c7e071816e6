"""The headers of every answer: the strict policy for browsers, and privacy for secret addresses."""

from flask import Response, g, request

from ..core.config import current_settings

YEAR = 31_536_000  # seconds


def may_lead_to_zoom() -> None:
    """Let this page's form end at Zoom: browsers hold form-action against redirects as well."""
    g.form_targets = current_settings().zoom_origin


def keep_private(response: Response) -> Response:
    """Keep a page that a secret address opens out of caches, search engines and Referer."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def secure(response: Response) -> Response:
    headers = response.headers
    headers.setdefault(
        "Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        f"connect-src 'self'; font-src 'self'; form-action 'self' {g.get('form_targets', '')}".strip()
        + "; base-uri 'none'; frame-ancestors 'none'",
    )
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "same-origin")
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    headers.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
    if current_settings().is_production:
        headers.setdefault("Strict-Transport-Security", f"max-age={YEAR}; includeSubDomains")
    if g.get("is_private") and request.endpoint != "static":
        headers.setdefault("Cache-Control", "no-store")
    return response
