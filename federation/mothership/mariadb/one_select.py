"""One SELECT: what analysts may ask, told by its text; sessions that only read hold whatever it misses."""

from __future__ import annotations

from typing import ClassVar

import sqlglot
from sqlglot import exp
from sqlglot.dialects import MySQL
from sqlglot.errors import SqlglotError

from federation.mothership.errors import QueryFailed


class _Portable(MySQL):  # type: ignore[misc]
    """The server's language under our `sql_mode`: names in double quotes, and a backslash is a letter."""

    class Tokenizer(MySQL.Tokenizer):  # type: ignore[misc]
        QUOTES: ClassVar = ["'"]
        IDENTIFIERS: ClassVar = ["`", '"']
        STRING_ESCAPES: ClassVar = ["'"]


def refuse_all_but_one_select(sql: str) -> None:
    """Raise for anything but one SELECT that only reads.

    Raises:
        QueryFailed: says what it is instead.
    """
    # The server executes what stands in such a comment.
    if "/*!" in sql or "/*M!" in sql:
        raise QueryFailed("it has a comment that the server would execute (`/*!`).")
    try:
        statements = [one for one in sqlglot.parse(sql, dialect=_Portable) if one is not None]
    except SqlglotError as error:
        raise QueryFailed(_first_line(error)) from error
    if len(statements) != 1:
        raise QueryFailed(f"it has {len(statements)} statements; ask one at a time.")
    if not isinstance(statements[0], exp.Query):
        raise QueryFailed("it is no SELECT, and analysts only read.")
    if next(statements[0].find_all(exp.Into, exp.Lock), None):
        raise QueryFailed("it writes or locks (INTO, FOR UPDATE), and analysts only read.")


def _first_line(error: SqlglotError) -> str:
    return "".join(char for char in str(error).partition("\n")[0] if char.isprintable())
