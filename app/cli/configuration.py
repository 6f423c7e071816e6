"""`flask check-config`: whether CalSync can start."""

import click
from flask.cli import with_appcontext

from ..core.config import current_settings


@click.command("check-config")
@with_appcontext
def check_config() -> None:
    """Say whether CalSync can start with the environment as it is: exit status 0, or 4 with all
    that is missing or wrong."""
    # What is wrong has ended the loading of the app already, with its list.
    for warning in current_settings().warnings:
        click.echo(f"Warning: {warning}", err=True)
    click.echo("CalSync can start with this configuration.")
