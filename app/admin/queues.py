"""rq-dashboard behind our own gate.

It knows no sign-in, checks no origin, changes state on a GET and prints what jobs carry
unescaped (rq-dashboard 0.9). It also reads jobs as pickles where it forgets to say JSON, which
outbox/queue.py ends for the whole process. So: admins only, their password asked again, changes by POST from
our own pages only, every string in its JSON escaped, and a policy of its own for its inline
scripts.
"""

import json
import re
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Flask, Response, abort, request, session, url_for
from flask.typing import ResponseReturnValue
from markupsafe import escape
from redis.exceptions import ResponseError
from rq.exceptions import DeserializationError, NoSuchJobError
from rq.serializers import JSONSerializer
from rq_dashboard import blueprint as dashboard
from rq_dashboard import web as dashboard_web
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as BaseResponse

from ..accounts.forms import ConfirmForm
from ..accounts.gate import admins_only, current_host
from ..accounts.service import authenticate
from ..core.clock import utcnow
from ..core.config import Settings
from ..i18n import gettext as _
from ..web.addresses import local_path
from ..web.error_pages import problem_page
from ..web.extensions import csrf
from ..web.gates import NotNow, answer_not_now
from ..web.htmx import render, see_other
from ..web.origin import refuse_foreign_origin
from ..web.rate_limits import count

bp = Blueprint("admin", __name__, url_prefix="/admin")
bp.before_request(admins_only)

PLAIN = re.compile(r"[\w.:-]+", re.ASCII)
COUNTS = {"page": 1_000_000, "per_page": 1_000}
CHOICES = {
    "order": {"asc", "dsc"},
    "registry_name": {
        "queued", "failed", "deferred", "started", "finished", "scheduled", "canceled",
    },
}  # fmt: skip
CONFIRMED = "admin_confirmed_at"
CONFIRMATION_LASTS = timedelta(minutes=30)
POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def init_app(app: Flask, settings: Settings) -> None:
    """Mount the queues at /admin/queues/."""
    app.config["RQ_DASHBOARD_REDIS_URL"] = settings.redis_url
    dashboard_web.config.serializer = JSONSerializer
    dashboard_web.setup_rq_connection(app)
    csrf.exempt(dashboard)
    app.register_blueprint(dashboard, url_prefix="/admin/queues")


@bp.get("/confirm")
def ask_password() -> ResponseReturnValue:
    """Ask an admin for the password once more."""
    return render("admin/confirm.html", form=ConfirmForm(), next=request.args.get("next"))


@bp.post("/confirm")
def confirm() -> ResponseReturnValue:
    """Open the queues for half an hour. 422: wrong password. 429, 503: not now."""
    form = ConfirmForm()
    next_path = local_path(request.form.get("next"), "")
    try:
        if form.validate_on_submit():
            if is_own_password(form.password.data):
                session[CONFIRMED] = utcnow().timestamp()
                return see_other(next_path or url_for("rq_dashboard.queues_overview"))
            form.password.errors = [_("This is not your password.")]
    except NotNow as why:
        form.form_errors.append(why.words)
        return answer_not_now(render("admin/confirm.html", form=form, next=next_path), why)
    return render("admin/confirm.html", form=form, next=next_path), 422


def is_own_password(password: str) -> bool:
    """Wrong ones stay counted. Raises LimitReached, Busy."""
    host = current_host()
    with count("confirm", account=host.id) as wrong:
        is_right = authenticate(host.email, password) is not None
    if is_right:
        wrong.give_back()
    return is_right


def guard() -> BaseResponse | None:
    """Admins with a fresh confirmation; state changes by POST from our own origin."""
    if turned_away := admins_only():
        return turned_away
    confirmed_at = session.get(CONFIRMED, 0)
    if utcnow().timestamp() - confirmed_at > CONFIRMATION_LASTS.total_seconds():
        return see_other(url_for("admin.ask_password", next=request.path))
    refuse_strange_addresses()
    if request.endpoint == "rq_dashboard.requeue_all" and request.method != "POST":
        abort(405)
    if request.method == "POST":
        refuse_foreign_origin()
    return None


def refuse_strange_addresses() -> None:
    """One Valkey, and plain names only: the dashboard writes them into its scripts as they come.

    :raises 404: for any other.
    """
    for name, value in (request.view_args or {}).items():
        if name == "instance_number" and value:
            abort(404)
        if isinstance(value, str) and name != "filename" and not PLAIN.fullmatch(value):
            abort(404)
        if name in COUNTS and not (str(value).isdecimal() and 0 < int(value) <= COUNTS[name]):
            abort(404)
        if name in CHOICES and value not in CHOICES[name]:
            abort(404)


# Before the dashboard's own: nothing of it runs for strangers.
dashboard.before_request_funcs.setdefault(None, []).insert(0, guard)


@dashboard.errorhandler(NoSuchJobError)
@dashboard.errorhandler(DeserializationError)
@dashboard.errorhandler(ResponseError)
@dashboard.errorhandler(ValueError)
def nothing_to_show(_error: Exception) -> ResponseReturnValue:
    """A job or a queue that is gone, or a job that is not ours: what is no JSON is not read."""
    return problem_page(NotFound())


@dashboard.after_request
def make_inert(response: Response) -> Response:
    """Escape what jobs carry, and allow the dashboard's own scripts, here and nowhere else."""
    if response.status_code == HTTPStatus.OK:
        response.headers["Content-Security-Policy"] = POLICY
    if response.is_json:
        response.set_data(json.dumps(_escaped(response.get_json())))
    return response


def _escaped(value: Any) -> Any:
    if isinstance(value, str):
        return str(escape(value))
    if isinstance(value, dict):
        return {str(escape(key)): _escaped(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_escaped(inner) for inner in value]
    return value
