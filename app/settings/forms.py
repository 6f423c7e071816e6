"""The host's profile."""

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, SelectChoice, SelectField
from wtforms.validators import DataRequired, Length

from ..accounts.models import NAME_LENGTH, User
from ..accounts.service import profile_version
from ..booking_pages.forms import zone_choices
from ..i18n import LANGUAGES
from ..web.forms import Line, LocalForm, LongSelect


class ProfileForm(LocalForm):
    """`name`, `timezone`, `locale`."""

    name = Line(
        _l("Your name"),
        [
            DataRequired(_l("Enter your name.")),
            Length(max=NAME_LENGTH, message=_l("Use a shorter name.")),
        ],
        render_kw={"autocomplete": "name"},
    )
    timezone = SelectField(
        _l("Time zone"),
        description=_l("For your dashboard and new booking pages."),
        widget=LongSelect(),
    )
    locale = SelectField(
        _l("Language"),
        choices=[SelectChoice(code, name) for code, name in LANGUAGES.items()],
        description=_l("For this site and for emails to you."),
    )

    version = HiddenField()

    def __init__(self, host: User, **kwargs: Any) -> None:
        super().__init__(obj=host, data={"version": profile_version(host)}, **kwargs)
        self.timezone.choices = zone_choices(host.timezone)

    @property
    def version_sent(self) -> str | None:
        """The profile that the form was filled in from; None where it does not say."""
        return str(self.version.raw_data[0]) if self.version.raw_data else None

    def differences(self, host: User) -> list[tuple[str, str, str]]:
        """Label, typed and saved of each field that says something else than the profile."""
        fields = ((field, getattr(host, field.name)) for field in (self.name, self.timezone))
        return [
            (field.label.text, field.data, saved) for field, saved in fields if field.data != saved
        ]
