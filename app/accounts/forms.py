"""Sign-up and sign-in."""

from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, PasswordField
from wtforms.validators import DataRequired, Email, Length

from ..forms import Address, Line, LocalForm
from .models import EMAIL_LENGTH, NAME_LENGTH

SHORTEST_PASSWORD = 8
LONGEST_PASSWORD = 512  # a limit only so that nobody makes us hash megabytes


class SignInForm(LocalForm):
    """`email`, `password`."""

    email = Address(
        _l("Email address"),
        [
            DataRequired(_l("Enter your email address.")),
            Email(_l("Enter an email address like name@example.com."), allow_smtputf8=False),
            Length(max=EMAIL_LENGTH, message=_l("Use a shorter address.")),
        ],
        render_kw={"autocomplete": "username", "autocapitalize": "none"},
    )
    password = PasswordField(
        _l("Password"),
        [
            DataRequired(_l("Enter your password.")),
            Length(max=LONGEST_PASSWORD, message=_l("Use a shorter password.")),
        ],
        render_kw={"autocomplete": "current-password"},
    )


class SignUpForm(SignInForm):
    """`name`, `email`, `password`; the browser's script adds its `timezone`."""

    name = Line(
        _l("Your name"),
        [
            DataRequired(_l("Enter your name.")),
            Length(max=NAME_LENGTH, message=_l("Use a shorter name.")),
        ],
        render_kw={"autocomplete": "name"},
    )
    password = PasswordField(
        _l("Password"),
        [
            DataRequired(_l("Choose a password.")),
            Length(
                min=SHORTEST_PASSWORD,
                max=LONGEST_PASSWORD,
                message=_l("Use 8 or more characters. Any characters will do."),
            ),
        ],
        render_kw={"autocomplete": "new-password"},
    )
    timezone = HiddenField()
    form_key = HiddenField()


class ConfirmForm(LocalForm):
    """`password`, once more."""

    password = PasswordField(
        _l("Password"),
        [
            DataRequired(_l("Enter your password.")),
            Length(max=LONGEST_PASSWORD, message=_l("Use a shorter password.")),
        ],
        render_kw={"autocomplete": "current-password"},
    )
