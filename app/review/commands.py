"""`flask seed-reviewer`, for the operator who submits CalSync to Zoom's review."""

import click
from email_validator import EmailNotValidError, validate_email
from flask.cli import with_appcontext

from ..accounts.models import EMAIL_LENGTH
from ..accounts.service import AddressTaken
from ..core.config import current_settings
from ..core.text import fold_address
from ..web.addresses import public_url
from . import service


@click.command("seed-reviewer")
@click.argument("email")
@with_appcontext
def seed_reviewer(email: str) -> None:
    """Make the account for Zoom's reviewers, and print its password, once.

    EMAIL is an address that you read: what CalSync writes to the reviewer as a host arrives there.
    """
    address = _checked(email)
    try:
        seeded = service.seed(address)
    except AddressTaken as error:
        raise click.ClickException(
            f"{address} has an account already; nothing was changed, and no password can be shown"
            " again. `flask delete-account` deletes it; afterwards this command makes a new one."
        ) from error
    click.echo(f"Sign in:       {public_url('accounts.sign_in')}")
    click.echo(f"Email:         {seeded.email}")
    click.echo(f"Password:      {seeded.password}")
    click.echo(f"Booking page:  {public_url('public.show', slug=seeded.slug)}")
    click.echo("The password is not kept in clear and not shown again: put it into the test plan.")
    if current_settings().sandbox_url:
        click.echo("Zoom is the sandbox here; the reviewer needs a CalSync with the real one.")


def _checked(email: str) -> str:
    """As accounts keep it. Raises ClickException."""
    address = fold_address(email)
    try:
        # An address on the machine itself is good enough while CalSync is being tried.
        validate_email(address, check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise click.ClickException(f"Not an email address: {error}") from error
    if len(address) > EMAIL_LENGTH or not address.isascii():
        raise click.ClickException("Use a shorter address, in ASCII.")
    return address
