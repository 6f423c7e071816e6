"""The HTTP side of the sandbox as one Flask app."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask, Response, abort, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from sandbox import api, controls, inbox, joining, marketplace, oauth
from sandbox.clock import in_words, iso
from sandbox.settings import Settings
from sandbox.store import Store
from sandbox.webhooks import Courier

# Addresses that programs call, without a browser and so without a foreign page behind it.
MACHINES = ("/v2/", "/api/", "/oauth/token", "/oauth/revoke")


def create_app(settings: Settings, store: Store, courier: Courier) -> Flask:
    """Everything but the sockets."""
    app = Flask(__name__)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(iso=iso, in_words=in_words)
    app.extensions["sandbox.settings"] = settings
    app.extensions["sandbox.store"] = store
    app.extensions["sandbox.courier"] = courier
    # A foreign name that resolves to this machine must not reach it from a browser.
    app.config["TRUSTED_HOSTS"] = ["127.0.0.1", "localhost"]

    for blueprint in (
        oauth.consent,
        oauth.tokens,
        api.bp,
        marketplace.bp,
        joining.bp,
        inbox.bp,
        controls.bp,
    ):
        app.register_blueprint(blueprint)
    app.add_url_rule("/", "index", index)
    app.add_url_rule("/healthz", "healthz", healthz)
    app.before_request(refuse_foreign_forms)
    app.after_request(protect(settings))
    app.register_error_handler(HTTPException, show_error)
    return app


def index() -> ResponseReturnValue:
    return render_template("index.html")


def healthz() -> ResponseReturnValue:
    return "ok", 200, {"Content-Type": "text/plain"}


def refuse_foreign_forms() -> None:
    """A page from elsewhere may link here, but not press a button. :raises 403:"""
    origin = request.headers.get("Origin")
    if request.method != "GET" and origin and origin != request.host_url.rstrip("/"):
        abort(403)


def protect(settings: Settings) -> Callable[[Response], Response]:
    """Headers for every answer.

    form-action names CalSync because browsers hold the redirect that follows a form against
    it, and Allow leads to CalSync's callback.
    """
    policy = (
        "default-src 'none'; style-src 'self'; img-src 'self'; frame-src 'self';"
        f" form-action 'self' {settings.calsync_url}; base-uri 'none'; frame-ancestors 'none'"
    )

    def add_headers(response: Response) -> Response:
        response.headers.setdefault("Content-Security-Policy", policy)
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "same-origin"
        if request.endpoint != "static":
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    return add_headers


def show_error(error: HTTPException) -> ResponseReturnValue:
    """Zoom's form for programs, a page for people."""
    if request.path.startswith(MACHINES):
        return jsonify(code=error.code, message=error.name), error.code or 500
    words = error.description or ""
    return render_template("missing.html", title=error.name, words=words), error.code or 500
