"""Sign-up and sign-in."""

from flask_babel import lazy_gettext as _l
from wtforms import Field, HiddenField, PasswordField
from wtforms.validators import DataRequired, Length, ValidationError

from ..i18n import gettext as _
from ..web.forms import Address, Line, LocalForm
from . import passwords
from .models import EMAIL_LENGTH, NAME_LENGTH

LONGEST_PASSWORD = passwords.LONGEST


class SignInForm(LocalForm):
    """`email`, `password`."""

    email = Address(
        _l("Email address"),
        [
            DataRequired(_l("Enter your email address.")),
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
                min=passwords.SHORTEST,
                max=LONGEST_PASSWORD,
                message=_l("Use 8 or more characters. Any characters will do."),
            ),
        ],
        render_kw={"autocomplete": "new-password"},
    )
    timezone = HiddenField()
    form_key = HiddenField()

    def validate_password(self, field: Field) -> None:
        """Refuse what is guessed first, and say why."""
        weakness = passwords.weakness_of(field.data, [self.email.data or "", self.name.data or ""])
        if weakness is None:
            return
        raise ValidationError(
            {
                "common": _(
                    "Many people use this password or one like it, so it is guessed first. Use"
                    " several words that do not belong together."
                ),
                "personal": _(
                    "This password is made of your name or address, so it is guessed first. Use"
                    " several words that do not belong together."
                ),
                "pattern": _(
                    "This password follows a pattern that is guessed quickly. Use several words"
                    " that do not belong together."
                ),
            }[weakness]
        )


class AdminForm(SignUpForm):
    """What `flask create-admin` is given: the rules of the sign-up, without a browser."""

    class Meta:
        csrf = False


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
