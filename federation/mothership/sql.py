"""SQL: what every statement is made of, whatever database runs it; identifiers always stand in double quotes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any, Protocol


class Fragment(str):
    """A piece of SQL made of quoted names and literals only: it goes into a statement as it is."""

    __slots__ = ()


class Connection(Protocol):
    """A database of the mothership, one statement at a time."""

    def run(
        self, template: str, values: Mapping[str, object] | None = None, /, **parts: str | Iterable[str]
    ) -> list[tuple[Any, ...]]:
        """Run one statement and return all its rows; for INSERT, UPDATE and DELETE one row with the count.

        Args:
            template: the statement; `{name}` stands for a part, `$name` for a value.
            values: bound values by name.
            parts: a str is quoted as an identifier, several as a list of identifiers; a `Fragment` stays as it is.
        """

    def count(self, template: str, values: Mapping[str, object] | None = None, /, **parts: str | Iterable[str]) -> int:
        """Return the number that a statement yields: what it counts, or how many rows it changed."""

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Insert a few rows, at least one; documents go other ways."""

    def transaction(self) -> AbstractContextManager[None]:
        """Everything within takes place, or nothing of it."""


def identifier(name: str) -> Fragment:
    """Return `name` quoted as an identifier."""
    return Fragment('"' + name.replace('"', '""') + '"')


def literal(text: str) -> Fragment:
    """Return `text` as a string."""
    return Fragment("'" + text.replace("'", "''") + "'")


def listed(fragments: Iterable[Fragment]) -> Fragment:
    """Return fragments with commas between them."""
    return Fragment(", ".join(fragments))


def column(source: str, name: str) -> Fragment:
    """Return a column of the table that a statement calls `source`."""
    return Fragment(f"{identifier(source)}.{identifier(name)}")


def shown(part: str | Iterable[str]) -> Fragment:
    """Return a part of a statement as it stands there."""
    if isinstance(part, Fragment):
        return part
    return identifier(part) if isinstance(part, str) else listed(map(identifier, part))


def naive_utc(instant: datetime | None) -> datetime | None:
    """Return an aware instant as the tables hold it: in UTC, without saying so."""
    return instant.astimezone(UTC).replace(tzinfo=None) if instant else None


def aware_utc(instant: datetime | None) -> datetime | None:
    """Return an instant of the tables as everything else holds it: aware, in UTC."""
    return instant.replace(tzinfo=UTC) if instant else None
