"""Sign-up, sign-in, sign-out and the choice of language."""

from flask import (
    Blueprint,
    Response,
    after_this_request,
    flash,
    g,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_user, logout_user

from ..core.config import current_settings
from ..db.once import new_form_key, read_form_key
from ..i18n import current_language
from ..i18n import gettext as _
from ..i18n.zones import read_zone
from ..web.addresses import local_path
from ..web.extensions import csrf
from ..web.gates import NotNow, answer_not_now
from ..web.headers import may_lead_to_zoom
from ..web.htmx import render, see_other
from ..web.origin import refuse_foreign_origin
from ..web.rate_limits import count
from ..web.shown_again import show_kept, shown_again_by
from . import known_browsers, service
from .forms import SignInForm, SignUpForm
from .gate import hosts_only
from .language import language_sent, remember
from .models import User
from .tries import try_password

bp = Blueprint("accounts", __name__)

SIGN_UP = "sign-up"  # whose form a once-only key is of


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
    return render_sign_up(SignUpForm())


@bp.post("/signup")
@shown_again_by(lambda: render_sign_up(SignUpForm()))
def create_account() -> ResponseReturnValue:
    """Make the account, once for each form, and sign in at once. 422: form errors, or a taken
    address. 429, 503: not now; what was typed is kept."""
    form = SignUpForm()
    try:
        count("form")
        if form.validate_on_submit():
            if user := account_of(form):
                sign_in_as(user)
                return see_other(destination())
            form.email.errors = [_("This address has an account already. Sign in instead.")]
    except NotNow as why:
        form.form_errors.append(why.words)
        return answer_not_now(render_sign_up(form), why)
    return render_sign_up(form), 422


def account_of(form: SignUpForm) -> User | None:
    """The account that the form makes, or has made a press before; None for a taken address. With
    another address the form is another account's. Each try counts, since its answer tells who has
    an account."""
    key = read_form_key(SIGN_UP, form.form_key.data)
    with count("sign-up"):
        if user := made_before(form, key):
            return user
        try:
            return service.sign_up(
                form.email.data,
                form.password.data,
                form.name.data,
                locale=current_language(),
                timezone=likely_timezone(form.timezone.data),
                form_key=None if key and service.made_by(key) else key,
            )
        except service.AddressTaken:
            return made_before(form, key)


def made_before(form: SignUpForm, key: str | None) -> User | None:
    """The account that a press before has made, where the form says its address and password."""
    made = service.made_by(key) if key else None
    if made is None or made.email != form.email.data:
        return None
    return service.authenticate(made.email, form.password.data)


def render_sign_up(form: SignUpForm) -> Response:
    key = form.form_key.data
    is_good = read_form_key(SIGN_UP, key) is not None
    return render(
        "accounts/sign_up.html",
        form=form,
        next=next_path(),
        form_key=key if is_good else new_form_key(SIGN_UP),
    )


def likely_timezone(suggested: str | None) -> str:
    """The browser's zone when its script told us, else the installation's."""
    return read_zone(suggested) or current_settings().default_timezone


@bp.get("/login")
def sign_in() -> ResponseReturnValue:
    """The sign-in form."""
    if current_user.is_authenticated:
        return see_other(destination())
    return render_sign_in(SignInForm())


@bp.post("/login")
@shown_again_by(lambda: render_sign_in(SignInForm()))
def create_session() -> ResponseReturnValue:
    """Sign in. Who had been typing into a form is shown that one again (see `shown_again`). 422:
    the same words for an unknown address and a wrong password. 429, 503: not now; the address is
    kept."""
    form = SignInForm()
    try:
        count("form")
        if form.validate_on_submit():
            if user := try_password(form.email.data, form.password.data):
                sign_in_as(user)
                return show_kept(request.form.get("kept", "")) or see_other(destination())
            form.password.errors = [_("Address and password do not match an account.")]
    except NotNow as why:
        form.form_errors.append(why.words)
        return answer_not_now(render_sign_in(form), why)
    return render_sign_in(form), 422


def render_sign_in(form: SignInForm) -> Response:
    return render(
        "accounts/sign_in.html", form=form, next=next_path(), kept=request.form.get("kept", "")
    )


def sign_in_as(user: User) -> None:
    """Sign `user` in under a new token; nothing of an earlier session survives. The browser is
    known from now on."""
    session.clear()
    service.begin_session(user, request.user_agent.string)
    session.permanent = True
    login_user(user)
    g.pop("csrf_token", None)  # a token of the session before is good for nothing now
    email = user.email

    @after_this_request
    def remember_browser(response: Response) -> Response:
        known_browsers.remember(response, email)
        return response


def next_path() -> str | None:
    """Where the visitor was going, when that is a path of ours."""
    return local_path(request.values.get("next"), "") or None


def destination() -> str:
    return next_path() or url_for("dashboard.show")


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
    language = language_sent()
    return remember(see_other(local_path(request.form.get("next"), "/")), language)
