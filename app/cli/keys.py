"""`flask rotate-keys`: every secret under the first key."""

import click
from flask.cli import with_appcontext

from ..core.rotation import reseal_all


@click.command("rotate-keys")
@with_appcontext
def rotate_keys() -> None:
    """Seal every secret in the database under the first of TOKEN_ENCRYPTION_KEYS."""
    done = reseal_all()
    click.echo(f"{done.sealed} values are sealed under the first key.")
    if done.unreadable:
        raise click.ClickException(
            f"{done.unreadable} values open with none of the keys. Keep the older keys, and put the"
            " missing one behind them."
        )
    click.echo("The other keys may be removed now, once every process has been restarted.")
