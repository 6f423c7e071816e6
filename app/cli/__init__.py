"""Commands for the operator, those of features among them. Above all layers but create_app."""

from flask import Flask

from ..deletion.commands import delete_account, deletions
from ..review.commands import seed_reviewer
from ..tasks.commands import retry_failed, send_test_mail
from .accounts import create_admin
from .configuration import check_config
from .keys import rotate_keys
from .processes import scheduler, worker
from .replies import read_replies_now


def init_app(app: Flask) -> None:
    for command in (
        check_config, worker, scheduler, create_admin, rotate_keys, delete_account, deletions,
        seed_reviewer,
        retry_failed,
        send_test_mail,
        read_replies_now,
    ):  # fmt: skip
        app.cli.add_command(command)
