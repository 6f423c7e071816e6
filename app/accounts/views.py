"""Sign-up, sign-in, sign-out and the choice of language."""

from flask import Blueprint, abort, flash, g, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_user, logout_user

from ..extensions import csrf, limiter
from ..forms import fold_address
from ..i18n import COOKIE, LANGUAGES, current_language
from ..i18n import gettext as _
from ..web import (
    YEAR,
    current_settings,
    local_path,
    may_lead_to_zoom,
    refuse_foreign_origin,
    render,
    see_other,
)
from ..zones import read_zone
from . import service
from .forms import SignInForm, SignUpForm
from .gate import hosts_only
from .models import EMAIL_LENGTH, User

bp = Blueprint("accounts", __name__)


@bp.before_request
def prepare() -> None:
    """These forms may be on the way to Zoom; none of their pages is cached."""
    g.is_private = True
    may_lead_to_zoom()


@bp.get("/signup")
def new_account() -> ResponseReturnValue:
    """The sign-up form."""
    if current_user.is_authenticated:
        return see_other(destination())
    return render("accounts/sign_up.html", form=SignUpForm(), next=wish())


@bp.post("/signup")
@limiter.limit("20/hour")
def create_account() -> ResponseReturnValue:
    """Make the account and sign in at once. 422: form errors, or a taken address."""
    form = SignUpForm()
    if form.validate_on_submit():
        try:
            user = service.sign_up(
                form.email.data,
                form.password.data,
                form.name.data,
                locale=current_language(),
                timezone=likely_timezone(form.timezone.data),
            )
        except service.AddressTaken:
            form.email.errors = [_("This address has an account already. Sign in instead.")]
        else:
            open_door(user)
            return see_other(destination())
    return render("accounts/sign_up.html", form=form, next=wish()), 422


def likely_timezone(suggested: str | None) -> str:
    """The browser's zone when its script told us, else the installation's."""
    return read_zone(suggested) or current_settings().default_timezone


@bp.get("/login")
def sign_in() -> ResponseReturnValue:
    """The sign-in form."""
    if current_user.is_authenticated:
        return see_other(destination())
    return render("accounts/sign_in.html", form=SignInForm(), next=wish())


@bp.post("/login")
@limiter.limit("30/hour", deduct_when=lambda response: response.status_code == 422)
@limiter.limit(
    "10/hour",
    key_func=lambda: "account:" + fold_address(request.form.get("email"))[:EMAIL_LENGTH],
    deduct_when=lambda response: response.status_code == 422,
)
def create_session() -> ResponseReturnValue:
    """Sign in. 422: the same words for an unknown address and a wrong password."""
    form = SignInForm()
    if form.validate_on_submit():
        user = service.authenticate(form.email.data, form.password.data)
        if user:
            open_door(user)
            return see_other(destination())
        form.password.errors = [_("Address and password do not match an account.")]
    return render("accounts/sign_in.html", form=form, next=wish()), 422


def open_door(user: User) -> None:
    """Sign `user` in under a new token; nothing of an earlier session survives."""
    session.clear()
    service.begin_session(user, request.user_agent.string)
    session.permanent = True
    login_user(user)


def wish() -> str | None:
    """Where the visitor was going, when that is a path of ours."""
    return local_path(request.values.get("next"), "") or None


def destination() -> str:
    return wish() or url_for("dashboard.show")


@bp.post("/logout")
def end_session() -> ResponseReturnValue:
    """Sign this browser out, wherever its cookie may have been copied to."""
    if turned_away := hosts_only():
        return turned_away
    service.end_session(current_user.session_token)
    logout_user()
    session.clear()
    flash(_("You are signed out."), "done")
    return see_other(url_for("accounts.sign_in"))


@bp.post("/language")
@csrf.exempt
def choose_language() -> ResponseReturnValue:
    """Remember a language in a cookie, and for a host's mails. :raises 400: an unknown one.

    It carries no session token, since visitors without a cookie use it: another site's form
    is refused by its origin.
    """
    refuse_foreign_origin()
    language = request.form.get("lang", "")
    if language not in LANGUAGES:
        abort(400)
    if current_user.is_authenticated:
        service.set_language(current_user, language)
    response = see_other(local_path(request.form.get("next"), "/"))
    response.set_cookie(
        COOKIE,
        language,
        max_age=YEAR,
        secure=current_settings().is_production,
        httponly=True,
        samesite="Lax",
    )
    return response
