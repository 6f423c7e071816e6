"""`flask delete-account` and `flask deletions`, for the operator who is asked for it by mail."""

import time
from collections.abc import Iterator

import click
from flask.cli import with_appcontext
from sqlalchemy import select

from ..accounts.models import User
from ..core.text import fold_address
from ..db import db
from ..events import Actor
from ..zoom import service as zoom
from . import service
from .inventory import inventory
from .notices import Progress, settle
from .service import Begun

PATIENCE = 120.0  # longer than a lease: what a killed run had in hand is taken up again
TOLD_EVERY = 2.0  # seconds


@click.command("delete-account")
@click.argument("email")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--even-unsent",
    is_flag=True,
    help="Delete although clients could not be told that their booking is cancelled.",
)
@click.option(
    "--patience",
    default=PATIENCE,
    show_default=True,
    help="How many seconds to go on trying while nothing gets through.",
)
@with_appcontext
def delete_account(email: str, *, yes: bool, even_unsent: bool, patience: float) -> None:
    """Delete an account with everything in it, for good.

    Clients whose booking is still to come get a mail that it is cancelled; then the account, its
    pages, bookings and clients' data are deleted. Interrupted at any point, the same command
    goes on where it stopped.
    """
    address = fold_address(email)
    _show(_find(address))
    db.session.remove()  # nobody knows how long the answer takes
    if not yes:
        _confirm(address)
    try:
        _carry_out(_find(address), patience, even_unsent=even_unsent)
    except service.UnknownAccount as error:
        raise click.ClickException("Another run has deleted this account meanwhile.") from error


def _find(address: str) -> int:
    user_id = db.session.scalar(select(User.id).where(User.email == address))
    if user_id is None:
        raise click.ClickException(
            "No account has this address. `flask deletions` lists what was deleted."
        )
    return user_id


def _show(user_id: int) -> None:
    found = inventory(user_id)
    click.echo("This deletes, for good:")
    for number, what in (
        (found.pages, "booking pages, with their hours"),
        (found.to_come, "bookings to come; they are cancelled, and their clients told by mail"),
        (found.other_bookings, "bookings that have begun, are over or were cancelled"),
        (found.clients, "clients' names, addresses and notes"),
        (found.time_off, "entries of time off"),
        (found.zoom_connections, "Zoom connections, revoked at Zoom"),
        (found.sessions, "signed-in browsers"),
        (found.tasks, "tasks: what became of mails and meetings"),
    ):
        click.echo(f"{number:>7}  {what}")


def _confirm(address: str) -> None:
    typed = click.prompt("There is no way back. Type the account's address to go on")
    if fold_address(typed) != address:
        raise click.ClickException("That is another address. Nothing was changed.")


def _carry_out(user_id: int, patience: float, *, even_unsent: bool) -> None:
    begun = service.begin(user_id)
    click.echo(f"Deletion {begun.reference}: the account is closed, its pages are off.")
    click.echo(f"Bookings cancelled: {service.cancel_bookings(begun)}.")
    progress = _tell(settle(user_id, begun.begun_at, patience))
    if progress.missing and not even_unsent:
        raise click.ClickException(_what_is_missing(progress))
    # Not before: the meetings' deletions needed it.
    if not zoom.disconnect(user_id, Actor.OPERATOR):
        click.echo(
            "Zoom did not confirm the revocation: ask the host to remove CalSync in the Zoom App"
            " Marketplace, under Manage > Installed Apps."
        )
    _erase(begun, even_unsent=even_unsent)
    if progress.left_in_zoom:
        click.echo(
            f"{progress.left_in_zoom} meetings of cancelled bookings remain in Zoom: CalSync may not"
            " delete them, or Zoom refused. Their host can delete them there."
        )
    click.echo(f"Deleted. Name the reference in your answer: {begun.reference}")


def _tell(steps: Iterator[Progress]) -> Progress:
    """Say how far it is, now and then and at the end."""
    progress = told = next(steps)
    _say(progress)
    told_at = time.monotonic()
    for progress in steps:
        if progress != told and time.monotonic() - told_at >= TOLD_EVERY:
            _say(progress)
            told, told_at = progress, time.monotonic()
    if progress != told:
        _say(progress)
    return progress


def _say(progress: Progress) -> None:
    click.echo(f"Mails and meetings: {progress.done} done, {progress.open} to go.")


def _what_is_missing(progress: Progress) -> str:
    return (
        "The account is closed, but nothing is deleted yet: "
        f"{progress.unsent} clients' cancellations are not sent, "
        f"{progress.missing - progress.unsent} other tasks are under way.\n"
        "See to the mail server (and Zoom), then run the same command again: it goes on from here. "
        "With --even-unsent it deletes all the same, and these clients are not told."
    )


def _erase(begun: Begun, *, even_unsent: bool) -> None:
    try:
        service.erase(begun, even_unsent=even_unsent)
    except service.Unsettled as error:
        raise click.ClickException(
            "A worker has just begun something for this account. Run the same command again."
        ) from error


@click.command("deletions")
@with_appcontext
def deletions() -> None:
    """List the deletions of accounts: when and how much, not whose."""
    for deletion in service.deletions():
        finished = (
            f"finished {deletion.finished_at:%Y-%m-%d %H:%M} UTC"
            if deletion.finished_at
            else "under way"
        )
        click.echo(
            f"{deletion.reference}  begun {deletion.begun_at:%Y-%m-%d %H:%M} UTC, {finished}: "
            f"{deletion.pages} pages, {deletion.bookings} bookings, "
            f"{deletion.called_off} cancelled for it, {deletion.unsent} clients not told"
        )
