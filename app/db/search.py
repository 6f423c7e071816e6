"""Searching in text that was folded when it was kept (`core.text.fold_for_search`)."""

from typing import Any

from sqlalchemy import Boolean
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from ..core.text import fold_for_search


class holds_text(FunctionElement[bool]):  # noqa: N801  (a function, as SQLAlchemy's own)
    """`holds_text(column, part)` in a statement: whether `part` is in the column, letter for letter. A
    LIKE takes longer on PostgreSQL, and would need `%` and `_` spelled otherwise."""

    type = Boolean()
    inherit_cache = True
    name = "holds_text"


@compiles(holds_text, "postgresql")
def _in_postgresql(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    return f"strpos({compiler.process(element.clauses, **kw)}) > 0"


@compiles(holds_text, "sqlite")
def _in_sqlite(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    return f"instr({compiler.process(element.clauses, **kw)}) > 0"


def contains(query: str, words: Any) -> holds_text:
    """Whether the folded column `words` has `query` in it, whatever width and case it was typed in."""
    return holds_text(words, fold_for_search(query))
