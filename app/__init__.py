"""CalSync: share one link; both sides get a Zoom meeting by mail. This is the table of contents."""

# First of all: it decides whose zone rules the process reads.
from .i18n import zones

# isort: split
from flask import Flask

from . import cli, db, i18n
from .accounts import gate, language
from .accounts import views as accounts
from .admin import failed, health, queues
from .booker import again_views, client_views, join_views, public_views, reminder_views
from .booker import move_views as client_move_views
from .booking_pages import views as booking_pages
from .bookings import slot_addresses
from .core import config, crypto, environment, logs
from .dashboard import views as dashboard
from .desk import (
    export_views,
    host_views,
    marks_views,
    preview_views,
    rebook_views,
    resend_views,
    series_views,
)
from .desk import move_views as host_move_views
from .guide import views as guide
from .notifications import feed_views
from .notifications import views as notifications
from .schedules import time_off_views
from .settings import feed_address_views
from .settings import views as settings_pages
from .web import assets, bodies, error_pages, extensions, proxies, rate_limits, shown_again
from .web import pages as web
from .zoom import oauth as zoom_oauth
from .zoom import views as zoom
from .zoom import webhook as zoom_webhook

__all__ = ["create_app"]


def create_app(settings: config.Settings | None = None) -> Flask:
    """The application. Raises ConfigurationError when the environment is not enough to start."""
    settings = settings or config.load_settings()
    config.prepare_instance(settings)
    zones.version_in_force()
    app = Flask(__name__, instance_path=str(settings.instance_path))
    app.config.from_mapping(config.flask_config(settings))
    _bind_extensions(app, settings)
    _register_pages(app)
    queues.init_app(app, settings)
    cli.init_app(app)
    return app


def _bind_extensions(app: Flask, settings: config.Settings) -> None:
    bodies.init_app(app)
    logs.init_app(app, settings)
    crypto.init_app(app, settings.token_encryption_keys)
    db.init_database(app)
    db.migrate.init_app(app, db.db, directory=str(environment.ROOT / "migrations"))
    extensions.login_manager.init_app(app, add_context_processor=False)
    language.init_app(app)
    extensions.csrf.init_app(app)
    shown_again.init_app(app)
    proxies.init_app(app, settings)
    rate_limits.init_app(app, settings)
    extensions.compress.init_app(app)
    web.init_app(app, settings)
    error_pages.init_app(app)
    i18n.init_app(app)
    assets.init_app(app)
    gate.init_gate(app)
    zoom_oauth.init_app(app, settings)


def _register_pages(app: Flask) -> None:
    app.url_map.converters["slot"] = slot_addresses.SlotConverter
    for views in (
        dashboard,
        accounts,
        booking_pages,
        time_off_views,
        public_views,
        client_views,
        client_move_views,
        reminder_views,
        join_views,
        again_views,
        notifications,
        feed_views,
        host_views,
        host_move_views,
        export_views,
        preview_views,
        resend_views,
        marks_views,
        rebook_views,
        series_views,
        settings_pages,
        feed_address_views,
        guide,
        zoom,
        zoom_webhook,
        queues,
        failed,
        health,
    ):
        app.register_blueprint(views.bp)
