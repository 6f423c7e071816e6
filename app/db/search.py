"""Searching in text that is kept as typed: both sides are folded when they are compared."""

from typing import Any

from sqlalchemy import ColumnElement, String, or_
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from ..core.text import fold_for_search

NAME_IN_SQLITE = "fold_for_search"


class folded(FunctionElement[str]):  # noqa: N801  (a function, as SQLAlchemy's own)
    """`folded(column)` in a statement: NFKC and lower case."""

    type = String()
    inherit_cache = True
    name = "folded"


@compiles(folded, "postgresql")
def _in_postgresql(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    return f"lower(normalize({compiler.process(element.clauses, **kw)}, NFKC))"


@compiles(folded, "sqlite")
def _in_sqlite(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    return f"{NAME_IN_SQLITE}({compiler.process(element.clauses, **kw)})"


def teach(connection: DBAPIConnection) -> None:
    """Give a connection to SQLite the function, since it folds nothing but ASCII by itself."""
    connection.create_function(NAME_IN_SQLITE, 1, fold_for_search, deterministic=True)


def contains(query: str, *columns: Any) -> ColumnElement[bool]:
    """Whether one of the columns has `query` in it, whatever width and case either was typed in."""
    plain = fold_for_search(query).replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return or_(*(folded(column).like(f"%{plain}%", escape="\\") for column in columns))
