"""What several files of this folder do with the app in the same words."""

from collections.abc import Callable
from typing import Any

from click.testing import Result
from sqlalchemy import select, text

from app.accounts.models import User
from app.db import db
from app.deletion.models import Deletion
from tests.deletion.conftest import AYA, HANAKO, KEN, OTTO

Command = Callable[..., Result]


# Of the host, of what the host wrote, and of the clients.
PERSONAL = (
    AYA, "Aya Sato", "aya-consults", "Advice on taxes", "Bring your papers", "Second floor",
    "Dentist", "an old browser", "aya-at-zoom", "aya@zoom.example",
    KEN, "Ken Yamada", "About my inheritance", HANAKO, "山田花子", "相続の相談",
    OTTO, "Otto Alt", "My knee hurts",
)  # fmt: skip


def every_row() -> dict[str, list[tuple[Any, ...]]]:
    """All that the database holds, as it is stored."""
    with db.engine.connect() as connection:
        return {
            table.name: sorted(
                (tuple(row) for row in connection.execute(text(f"SELECT * FROM {table.name}"))),
                key=str,
            )
            for table in db.metadata.sorted_tables
        }


def the_record() -> Deletion:
    [record] = db.session.scalars(select(Deletion)).all()
    return record


def is_there(email: str = AYA) -> bool:
    return db.session.scalar(select(User.id).where(User.email == email)) is not None
