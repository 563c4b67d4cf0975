"""Fingerprint: one number for the whole content of a document, its row and all its child rows, as SQL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import duckdb
import pyarrow as pa

from federation.contract.fieldtypes import DATE, DATETIME, FLAG, INTEGER, MONEY, TEXT, TIME, WIDE_NUMBER, widen
from federation.contract.names import NAME, OBSERVED, SATELLITE
from federation.lake.lake_sql import duckdb_types, identifier, literal, union
from federation.lake.newest import NewestVersions, Source

_TYPES: Final = (TEXT, INTEGER, FLAG, DATE, TIME, DATETIME, MONEY, WIDE_NUMBER)
_OURS: Final = frozenset({SATELLITE, OBSERVED})
_NEVER_SAME: Final = "0::UBIGINT"
"""Stands for a row whose files lack a column: no row of a page has it."""


@dataclass(frozen=True)
class Shape:
    """The columns in which documents are compared.

    Attributes:
        doctype: whose documents.
        tables: DocType or child DocType → its columns and their DuckDB types, sorted.
        wider: (DuckDB type, wider DuckDB type) pairs of the contract's types.
    """

    doctype: str
    tables: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    wider: frozenset[tuple[str, str]]

    @classmethod
    def of(cls, connection: duckdb.DuckDBPyConnection, doctype: str, tables: Mapping[str, pa.Table]) -> Shape:
        """Return the shape of a page: all its columns, but for those of ours."""
        names = dict(
            zip(_TYPES, duckdb_types(connection, pa.schema([(str(t), t) for t in _TYPES])).values(), strict=True)
        )
        wider = frozenset(
            (names[narrow], names[wide]) for narrow in _TYPES for wide in _TYPES if widen(narrow, wide) == wide
        )
        columns = {
            table: tuple(sorted(each for each in duckdb_types(connection, rows.schema).items() if each[0] not in _OURS))
            for table, rows in tables.items()
        }
        return cls(doctype, tuple(sorted(columns.items())), wider)

    @property
    def columns(self) -> dict[str, tuple[str, ...]]:
        """DocType or child DocType → its columns."""
        return {table: tuple(name for name, _ in columns) for table, columns in self.tables}

    @property
    def width(self) -> int:
        """The columns of the widest table."""
        return max(len(columns) for _, columns in self.tables)

    def owner(self, table: str) -> str:
        """Return the column that names a row's document."""
        return NAME if table == self.doctype else "parent"


def fingerprints_sql(newest: NewestVersions, shape: Shape, span: tuple[str, str] | None = None) -> str:
    """Return a SELECT of (document, content) of all newest versions, by document: hashes of a name and of its rows.

    Documents whose newest version is not accepted are in it too, as never the same.

    Args:
        newest: the versions.
        shape: the columns.
        span: only of documents in the table `asked` (name); their first and last name, which spare the reading of
            files, or parts of them, that have others.
    """
    rows = []
    for table, columns in shape.tables:
        owner = f"row.{shape.owner(table)}"
        chosen = ""
        if span:
            first, last = map(literal, span)
            chosen = f"SEMI JOIN asked ON asked.name = {owner} WHERE {owner} BETWEEN {first} AND {last}"
        for source in newest.sources(table):
            hashed = _known_hash(source, shape, table, columns)
            rows.append(f"SELECT hash({owner}) AS document, {hashed} AS row_hash FROM {source.rows} {chosen}")
    others = f"SELECT name FROM news WHERE NOT accepted UNION ALL {newest.patched(shape.columns)}"
    rows.append(f"SELECT hash(name) AS document, {_NEVER_SAME} AS row_hash FROM ({others})")
    return f"SELECT document, {_CONTENT} AS content FROM ({union(rows)}) GROUP BY document ORDER BY document"


def page_fingerprints_sql(views: Mapping[str, str], shape: Shape) -> str:
    """Return a SELECT of (name, document, content) of the documents of a page.

    Args:
        views: DocType or child DocType → where its rows are.
        shape: of the page.
    """
    rows = [
        f"SELECT {shape.owner(table)} AS name, {_hash(table, (f'row.{identifier(name)}' for name, _ in columns))} "
        f"AS row_hash FROM {views[table]} AS row"
        for table, columns in shape.tables
    ]
    return f"SELECT name, hash(name) AS document, {_CONTENT} AS content FROM ({union(rows)}) GROUP BY name"


_CONTENT: Final = "hash(sum(row_hash), count(*))"


def _known_hash(source: Source, shape: Shape, table: str, columns: Iterable[tuple[str, str]]) -> str:
    if table == shape.doctype and source.covers is not None and not source.covers >= shape.columns.keys():
        return _NEVER_SAME
    values = []
    for name, kind in columns:
        held = source.columns.get(name)
        if held is None or (held, kind) not in shape.wider:
            return _NEVER_SAME
        value = f"row.{identifier(name)}"
        values.append(value if held == kind else f"{value}::{kind}")
    return _hash(table, values)


def _hash(table: str, values: Iterable[str]) -> str:
    return f"hash({', '.join([literal(table), *values])})"
