"""Verify: a mothership against one that was just merged from the lake, table by table and satellite by satellite."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

import duckdb
import pyarrow as pa

from federation.contract.fieldtypes import DATE, DATETIME, FLAG, INTEGER, MONEY, TEXT, TIME, WIDE_NUMBER, widen
from federation.contract.names import NAME, SATELLITE
from federation.mothership.duckdb.sql import DuckdbConnection, widened, without_progress_bar
from federation.mothership.errors import QueryFailed
from federation.mothership.interface import Readable
from federation.mothership.sql import Fragment, identifier, listed, literal
from federation.mothership.system_tables import ALIAS, DICTIONARY, DRIFT, QUARANTINE, TABLE, TOMBSTONE

Kind = Literal["table", "column", "index", "changed", "missing", "surplus"]

_NAMES_SHOWN: Final = 5
_MEMORY: Final = "512MB"
_SYSTEM: Final = (TOMBSTONE, QUARANTINE, ALIAS, DRIFT)
"""What is told of documents, and of their DocTypes, beside the DocTypes' tables."""
_OURS: Final = (FLAG, INTEGER, DATE, TIME, DATETIME, MONEY, WIDE_NUMBER, TEXT)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as the lake says.

    Attributes:
        table: where.
        satellite: whose rows; "" where it concerns all.
        kind: table: it is not there, or was altered as a whole; column: one is missing, added, or of another type;
            index: one is missing; changed: rows with other values; missing: rows that should be there; surplus: rows
            that shouldn't.
        rows: how many.
        names: of a few of them.
        columns: concerned; of changed rows, those that differ in these few.
        reason: a sentence, where the kind doesn't say all.
    """

    table: str
    satellite: str
    kind: Kind
    rows: int = 0
    names: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    reason: str = ""


def verify(live: Readable, expected: Readable) -> Iterator[Finding]:
    """Yield how `live` differs from `expected`; a wider type that holds the same values is no difference.

    Both are read as streams of columns: what is kept of a row is its key and a hash of its values.

    Raises:
        MothershipError: one of them can't be read.
    """
    ours, theirs = _names(expected), _names(live)
    for doctype, table in sorted(theirs.items()):
        if doctype not in ours and _schema(live, table) is not None:
            yield Finding(table, "", "surplus", reason=f"it is recorded for {doctype}, of which the lake has nothing")
    for doctype, table in sorted(ours.items()):
        wanted = _schema(expected, table)
        if wanted is None:
            # Its name is given, and nothing of it was ever complete.
            continue
        if doctype in theirs:
            yield from _Pair(live, expected, theirs[doctype], table, wanted, (NAME,)).findings()
        elif expected.query(f"SELECT 1 FROM {identifier(table)} LIMIT 1").read_all().num_rows:
            # Without a row it is a DocType of which nothing was merged yet: all that the lake has may be held back.
            yield Finding(TABLE.name, "", "missing", 1, (doctype,), reason=f"no table is recorded for {doctype}")
    for system in _SYSTEM:
        named = tuple(name for name in system.key if name != SATELLITE) or ("doctype", NAME)
        schema = pa.schema([(column.name, column.type) for column in system.columns])
        yield from _Pair(live, expected, system.name, system.name, schema, named).findings()


def _names(mothership: Readable) -> dict[str, str]:
    """Return DocType → table, {} where that isn't recorded any more."""
    try:
        rows = mothership.query(f"SELECT doctype, table_name FROM {TABLE.name}").read_all().to_pylist()
    except QueryFailed:
        return {}
    return {row["doctype"]: row["table_name"] for row in rows}


def _schema(mothership: Readable, table: str) -> pa.Schema | None:
    try:
        return mothership.query(f"SELECT * FROM {identifier(table)} WHERE 1 = 0").read_all().schema
    except QueryFailed:
        return None


@dataclass(frozen=True)
class _Pair:
    """A table of both.

    Attributes:
        there: its name in `live`.
        table: its name in `expected`.
        wanted: its columns in `expected`.
        named: the columns that, with the satellite, say which row it is.
    """

    live: Readable
    expected: Readable
    there: str
    table: str
    wanted: pa.Schema
    named: tuple[str, ...]

    def findings(self) -> Iterator[Finding]:
        if self.found is None:
            yield Finding(self.there, "", "table", reason="it is not there, or can't be read")
            return
        yield from self._columns(self.found)
        if {SATELLITE, *self.named} <= self.compared.keys():
            yield from self._rows()

    @cached_property
    def found(self) -> pa.Schema | None:
        """The columns of `live`."""
        return _schema(self.live, self.there)

    @cached_property
    def compared(self) -> Mapping[str, pa.DataType]:
        """The columns that both have, and the type in which they are compared."""
        found = {column.name: kind for column in self.found or () if (kind := _ours(column.type)) is not None}
        return {
            column.name: widen(_text_or(column.type), found[column.name])
            for column in self.wanted
            if column.name in found
        }

    def _columns(self, found: pa.Schema) -> Iterator[Finding]:
        if missing := [name for name in self.wanted.names if name not in found.names]:
            yield Finding(self.there, "", "column", columns=tuple(missing), reason="missing")
        if added := [name for name in found.names if name not in {*self.wanted.names, *self._described}]:
            yield Finding(self.there, "", "column", columns=tuple(added), reason="added by hand")
        for column in self.wanted:
            if column.name not in found.names:
                continue
            held = found.field(column.name).type
            ours = _ours(held)
            if ours is None or widen(ours, _text_or(column.type)) != ours:
                reason = f"its type is {held} instead of {column.type}"
                yield Finding(self.there, "", "column", columns=(column.name,), reason=reason)

    @cached_property
    def _described(self) -> frozenset[str]:
        """Columns of ours that no satellite has any more."""
        asked = f"SELECT column_name FROM {DICTIONARY.name} WHERE table_name = {literal(self.there)}"
        try:
            return frozenset(self.live.query(asked).read_all()["column_name"].to_pylist())
        except QueryFailed:
            return frozenset()

    def _rows(self) -> Iterator[Finding]:
        with duckdb.connect(config={"memory_limit": _MEMORY, "threads": 1}) as raw:
            bench = DuckdbConnection(without_progress_bar(raw))
            self._digest(bench, "live", self.live, self.there)
            self._digest(bench, "expected", self.expected, self.table)
            differences = bench.run(_DIFFERENCES)
        for satellite, kind, rows, keys in differences:
            columns = self._differing(satellite, keys) if kind == "changed" else ()
            names = tuple(", ".join(map(str, key)) for key in keys)
            yield Finding(self.there, satellite, kind, rows, names, columns)

    def _digest(self, bench: DuckdbConnection, name: str, mothership: Readable, table: str) -> None:
        """Make a table of the bench: satellite, key and hash of each row."""
        rows = mothership.query(f"SELECT {listed(map(identifier, self.compared))} FROM {identifier(table)}")
        bench.raw.register("arriving", rows)
        bench.run(
            "CREATE TABLE {name} AS SELECT satellite, [{key}] AS key, hash({values}) AS digest FROM arriving",
            name=name,
            key=listed(Fragment(f"CAST({identifier(part)} AS VARCHAR)") for part in self.named),
            values=listed(self._value(rows.schema, column) for column in self.compared),
        )
        bench.raw.unregister("arriving")

    def _differing(self, satellite: str, keys: Sequence[Sequence[str | None]]) -> tuple[str, ...]:
        """Return the columns in which a few rows differ."""
        wanted = " OR ".join(
            " AND ".join(
                f"{identifier(column)} IS NULL" if part is None else f"{identifier(column)} = {literal(part)}"
                for column, part in zip(self.named, key, strict=True)
            )
            for key in keys
        )
        with duckdb.connect() as raw:
            bench = DuckdbConnection(without_progress_bar(raw))
            for name, mothership, table in (("live", self.live, self.there), ("expected", self.expected, self.table)):
                rows = mothership.query(
                    f"SELECT {listed(map(identifier, self.compared))} FROM {identifier(table)} "
                    f"WHERE satellite = {literal(satellite)} AND ({wanted})"
                ).read_all()
                raw.register("arriving", rows)
                values = listed(
                    Fragment(f"{self._value(rows.schema, column)} AS {identifier(column)}") for column in self.compared
                )
                bench.run("CREATE TABLE {name} AS SELECT {values} FROM arriving", name=name, values=values)
                raw.unregister("arriving")
            differ = listed(
                Fragment(f"count(*) FILTER (live.{identifier(column)} IS DISTINCT FROM expected.{identifier(column)})")
                for column in self.compared
            )
            (counts,) = bench.run(
                "SELECT {differ} FROM live JOIN expected USING ({key})", differ=differ, key=self.named
            )
        return tuple(column for column, count in zip(self.compared, counts, strict=True) if count)

    def _value(self, schema: pa.Schema, column: str) -> Fragment:
        return widened(identifier(column), _text_or(schema.field(column).type), self.compared[column])


_DIFFERENCES: Final = f"""
    SELECT satellite, kind, count(*), (list(key ORDER BY key))[:{_NAMES_SHOWN}]
    FROM (
        SELECT coalesce(expected.satellite, live.satellite, '') AS satellite, coalesce(expected.key, live.key) AS key,
               CASE WHEN live.key IS NULL THEN 'missing' WHEN expected.key IS NULL THEN 'surplus' ELSE 'changed' END
               AS kind
        FROM (SELECT satellite, key, count(*) AS copies, sum(digest) AS digest FROM expected GROUP BY ALL) AS expected
        FULL JOIN (SELECT satellite, key, count(*) AS copies, sum(digest) AS digest FROM live GROUP BY ALL) AS live
        ON expected.satellite IS NOT DISTINCT FROM live.satellite AND expected.key IS NOT DISTINCT FROM live.key
        WHERE expected.copies IS DISTINCT FROM live.copies OR expected.digest IS DISTINCT FROM live.digest
    ) GROUP BY satellite, kind ORDER BY satellite, kind
"""


def _text_or(kind: pa.DataType) -> pa.DataType:
    """Return the contract's type that holds what a stream brings."""
    return _ours(kind) or TEXT


def _ours(kind: pa.DataType) -> pa.DataType | None:
    """Return the contract's type like that of a stream, None where somebody made it another."""
    if kind in _OURS:
        return kind
    if pa.types.is_integer(kind):
        return INTEGER
    return TEXT if pa.types.is_large_string(kind) else None
