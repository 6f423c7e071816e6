"""Binding what every page shares to the app."""

from flask import Flask

from ..core.config import Settings
from ..core.text import mailto
from . import headers, incoming
from .addresses import RowNumber, public_url, view_address
from .htmx import is_htmx


def init_app(app: Flask, settings: Settings) -> None:
    """Bind what every page shares to `app`."""
    app.extensions["settings"] = settings
    app.jinja_env.globals.update(
        is_htmx=is_htmx, settings=settings, public_url=public_url, view_address=view_address
    )
    app.jinja_env.filters["mailto"] = mailto
    app.url_map.converters["int"] = RowNumber
    app.before_request(incoming.refuse_nul)
    # Before the form's token is looked for, which would read the body.
    app.before_request_funcs.setdefault(None, []).insert(0, incoming.refuse_what_is_no_form)
    app.after_request(headers.secure)
