"""Who may come in: one gate for every host's page, one for admins."""

from flask import Flask, abort, g, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from ..web.extensions import login_manager
from ..web.htmx import go_to, render, replace_page
from ..web.shown_again import keep_typed
from . import service
from .forms import SignInForm
from .models import User


def init_gate(app: Flask) -> None:
    """Tell Flask-Login how a cookie becomes a user, and where the door is."""
    login_manager.user_loader(service.find_by_session)
    login_manager.unauthorized_handler(send_to_door)
    # The proxy and not, as Flask-Login would, the user: a page that does not ask reads no table,
    # above all the one that says that the database is away.
    app.jinja_env.globals["current_user"] = current_user


def send_to_door() -> Response:
    """To the sign-in page, and from there back to the page that was asked for, or to the form
    that was sent, with everything typed into it. That answer is 403."""
    if kept := keep_typed():
        g.pop("form_note", None)  # it is about the form that was sent
        page = render("accounts/sign_in.html", form=SignInForm(formdata=None), kept=kept)
        page.status_code = 403
        return replace_page(page)
    next_path = request.full_path.rstrip("?") if request.method == "GET" else None
    return go_to(url_for("accounts.sign_in", next=next_path))


def hosts_only() -> Response | None:
    """A blueprint's `before_request`: signed-in hosts pass, and nothing they see is cached."""
    g.is_private = True
    if current_user.is_authenticated:
        return None
    return send_to_door()


def admins_only() -> Response | None:
    """The same for admins. A host who is none is told nothing. :raises 404:"""
    if turned_away := hosts_only():
        return turned_away
    if not current_host().is_admin:
        abort(404)
    return None


def current_host() -> User:
    """The signed-in host, behind `hosts_only`."""
    user: User = current_user._get_current_object()
    return user
