"""What views reach for: this app's settings, its store and its courier."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import cast

from flask import current_app, request
from werkzeug.local import LocalProxy

from sandbox.settings import Settings
from sandbox.store import Store
from sandbox.webhooks import Courier

settings = cast(Settings, LocalProxy(lambda: current_app.extensions["sandbox.settings"]))
store = cast(Store, LocalProxy(lambda: current_app.extensions["sandbox.store"]))
courier = cast(Courier, LocalProxy(lambda: current_app.extensions["sandbox.courier"]))


def cut_connection() -> None:
    """End the client's connection at once; whatever the view returns is never read."""
    with suppress(OSError):  # the client may be gone already
        request.environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
