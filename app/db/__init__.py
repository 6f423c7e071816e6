"""The database for all layers above: engines, types, transactions tried again. It knows no table, and
imports core alone."""

from .base import (
    DATABASE_AWAY,
    Base,
    Model,
    commit_and_keep,
    db,
    delete_some,
    migrate,
    read_only,
)
from .engines import init_database
from .sqlite import LOCK_PATIENCE, forget_old_pages

__all__ = [
    "DATABASE_AWAY",
    "LOCK_PATIENCE",
    "Base",
    "Model",
    "commit_and_keep",
    "db",
    "delete_some",
    "forget_old_pages",
    "init_database",
    "migrate",
    "read_only",
]
