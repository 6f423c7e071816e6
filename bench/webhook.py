"""What Zoom waits for: each kind of request to the webhook, over HTTP to two web processes.

Zoom gives three seconds. A removal is asked with a connection there to be deleted each time.
"""

import http.client
import statistics
import time
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import delete

from app.accounts.models import User
from app.core.clock import utcnow
from app.db import db
from app.zoom.models import ZoomConnection
from bench.measure import tell
from bench.serve import HOST, web_processes
from bench.stage import Stage, stages
from tests.support.cast import connect_zoom, make_host
from tests.zoom.events import ZOOM_USER, Sent, cases

TIMES = 20
WARM_UP = 10  # requests of each case, so that both processes have had some


def main() -> None:
    with stages() as found:
        for stage in found:
            measure(stage)


def measure(stage: Stage, times: int = TIMES) -> None:
    """One line a case: the statuses, and the median and worst of `times` requests."""
    # A line for each refusal would be in the way here.
    quiet = replace(stage, environment=stage.environment | {"LOG_LEVEL": "ERROR"})
    with web_processes(quiet) as port, stage.app.app_context():
        host, secret = make_host(), stage.environment["ZOOM_WEBHOOK_SECRETS"]
        repeated = cases_now(host, secret)["removal by a user"]
        for name in (*cases_now(host, secret), "removal once more"):
            took: list[float] = []
            for _ in range(WARM_UP + times):
                sent = repeated if name == "removal once more" else cases_now(host, secret)[name]
                took.append(ask(port, sent))
                if sent.removes and sent is not repeated:
                    assert db.session.query(ZoomConnection).count() == 0
            took = took[WARM_UP:]
            tell(
                bench="webhook",
                database=stage.database,
                case=name,
                status=sent.status,
                times=times,
                median_ms=round(statistics.median(took), 1),
                worst_ms=round(max(took), 1),
            )


def cases_now(host: User, secret: str) -> dict[str, Sent]:
    """The cases, of a host who has just connected again."""
    db.session.execute(delete(ZoomConnection))
    since = utcnow() - timedelta(seconds=1)
    connect_zoom(host, zoom_user_id=ZOOM_USER, authorized_at=since)
    return cases(ZOOM_USER, since, secret)


def ask(port: int, sent: Sent) -> float:
    """Milliseconds from connecting to the whole answer. Raises when the status is another one."""
    began = time.perf_counter()
    connection = http.client.HTTPConnection(HOST, port, timeout=10)
    connection.request("POST", "/zoom/webhook", sent.body, sent.headers)
    answer = connection.getresponse()
    answer.read()
    took = (time.perf_counter() - began) * 1000
    connection.close()
    if answer.status != sent.status:
        raise RuntimeError(f"{answer.status} in place of {sent.status}")
    return took


if __name__ == "__main__":
    main()
