"""How gunicorn runs CalSync. It reads this file by itself, in the folder that it is started in.

What differs from place to place (the address, the number of workers) stays on the command line.
"""

import os
import subprocess
import sys
from contextlib import suppress

from gunicorn.arbiter import Arbiter
from gunicorn.errors import HaltServer

worker_class = "gthread"
threads = 8
# No access log: addresses carry tokens.
control_socket_disable = True


def on_starting(_server: Arbiter) -> None:
    """End here, before the port is bound, when the configuration is not enough to start."""
    if status := _check_configuration():
        sys.exit(status)


def on_reload(server: Arbiter) -> None:
    """After SIGHUP the files that hold secrets are read anew: one may be broken by now."""
    if status := _check_configuration():
        _stop(server)
        sys.exit(status)


def _stop(server: Arbiter) -> None:
    """Let the workers finish. One that is just booting may fail meanwhile, each at most once."""
    for _ in range(server.cfg.workers + 1):
        with suppress(HaltServer):
            server.stop()
            return


def _check_configuration() -> int:
    """`flask check-config`'s exit status. It says once what each worker would say for itself.

    In a process of its own: what the arbiter imports, a reload would not read anew. On loopback
    a start is quick instead; there the workers say it.
    """
    address = os.environ.get("PUBLIC_BASE_URL", "http://")
    if address.startswith("http://") and "PUBLIC_BASE_URL_FILE" not in os.environ:
        return 0
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "check-config"]
    # gunicorn reads no .env, so the check does not either.
    without_dotenv = os.environ | {"FLASK_SKIP_DOTENV": "1"}
    return subprocess.run(  # noqa: S603  (a command of ours)
        command, env=without_dotenv, stdout=subprocess.DEVNULL, check=False
    ).returncode
