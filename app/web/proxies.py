"""Whom a request comes from: the proxies in front say it, as many of them as PROXY_HOPS tells."""

from threading import Lock

from flask import Flask, request
from werkzeug.middleware.proxy_fix import ProxyFix

from ..core.config import Settings
from ..core.logs import log

HEADER = "X-Forwarded-For"


def init_app(app: Flask, settings: Settings) -> None:
    """Believe the last `proxy_hops` values of X-Forwarded-For, -Proto and -Host, and no others."""
    hops = settings.proxy_hops
    if hops:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    is_said = Lock()

    @app.before_request
    def tell_what_is_not_believed() -> None:
        """Once a process: limits that count all visitors as one are noticed by nobody else."""
        values = ",".join(request.headers.getlist(HEADER))
        given = len(values.split(",")) if values else 0
        if (given > hops if not hops else 0 < given < hops) and is_said.acquire(blocking=False):
            log.warning(
                "forwarded address not believed: set PROXY_HOPS to the number of your proxies",
                proxy_hops=hops,
                addresses_in_header=given,
            )
