"""Structured logs: lines of JSON in production, readable ones in development.

Events carry ids of rows and requests, never an address, a name, a token or a body.
"""

import logging
import sys
import uuid

import structlog
from flask import Flask, Response, g, request

from .config import Settings

log = structlog.get_logger()


def init_app(app: Flask, settings: Settings) -> None:
    """Configure structlog and the standard library's loggers, and give each request an id."""
    renderer = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if settings.is_production
        else structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0)
    )
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, settings.log_level)),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level)
    # These name addresses and job descriptions at INFO; ours say enough.
    for chatty in ("rq", "rq.worker", "werkzeug", "alembic", "authlib"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    # It names the addresses it asks for in its warnings.
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    for told in (logging.getLogger("gunicorn.error"), app.logger):
        if not any(isinstance(one, NobodysAddress) for one in told.filters):
            told.addFilter(NobodysAddress())
    for warning in settings.warnings:
        log.warning("check the configuration", advice=warning)
    app.before_request(_name_request)
    app.after_request(_tell_request_id)


class NobodysAddress(logging.Filter):
    """gunicorn says from where an invalid request came and what it was, and it and Flask of which
    address an error was: a visitor's, and perhaps a client's secret link."""

    def filter(self, record: logging.LogRecord) -> bool:
        for beginning in ("Invalid request", "Error handling request", "Exception on"):
            if str(record.msg).startswith(beginning):
                record.msg, record.args = beginning, ()
        return True


def _name_request() -> None:
    g.request_id = uuid.uuid4().hex[:16]
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id, endpoint=request.endpoint)


def _tell_request_id(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.get("request_id", "")
    return response
