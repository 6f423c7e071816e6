"""`flask create-admin`."""

import click
from flask.cli import with_appcontext
from werkzeug.datastructures import MultiDict

from ..accounts import service as accounts
from ..accounts.forms import AdminForm
from ..accounts.models import User
from ..core.config import current_settings
from ..core.text import fold_address
from ..deletion.inventory import inventory
from ..events import Actor


@click.command("create-admin")
@click.argument("email")
@click.option("--name", default="", help="Shown to clients; the address' first part if left out.")
@click.option(
    "--take-over",
    is_flag=True,
    help="Make an account that exists an admin's, with all that whoever made it has set up.",
)
@click.password_option(help="Asked for when left out; on a command line others can read it.")
@with_appcontext
def create_admin(email: str, name: str, take_over: bool, password: str) -> None:
    """Make an account that may see the queues."""
    name = name or fold_address(email).partition("@")[0]
    form = AdminForm(MultiDict({"email": email, "name": name, "password": password}))
    if not form.validate():
        problems = [f"{field.label.text}: {words}" for field in form for words in field.errors]
        raise click.ClickException("\n".join(problems))
    if earlier := accounts.find_by_email(form.email.data):
        if not take_over:
            raise click.ClickException(_what_is_there(earlier))
        accounts.promote(earlier, password)
        click.echo(
            f"{earlier.email} is an admin now, with the new password; every browser is signed out."
        )
        return
    settings = current_settings()
    accounts.sign_up(
        form.email.data,
        password,
        form.name.data,
        locale="en",
        timezone=settings.default_timezone,
        is_admin=True,
        by=Actor.OPERATOR,
    )
    click.echo(f"{form.email.data} is an admin. Sign in at {settings.public_base_url}/login")


def _what_is_there(user: User) -> str:
    """Anybody can sign up with an address, so an account that exists may be another's work."""
    found = inventory(user.id)
    zoom = "a Zoom connection" if found.zoom_connections else "no Zoom connection"
    bookings = found.to_come + found.other_bookings
    return (
        f"{user.email} has an account already, made on {user.created_at:%d %B %Y} by whoever signed"
        f" up with it: {found.pages} booking pages, {bookings} bookings, {zoom}.\n"
        f"Nothing was changed. Either delete it first, with its pages and its connection:\n"
        f"    flask delete-account {user.email}\n"
        "or, when you know that it is yours, run this again with --take-over: the account gets the"
        " new password and every browser is signed out, but pages, bookings and the Zoom connection"
        " stay as they are."
    )
