"""Standing: what the lake holds of a DocType as it stands: the rows of accepted documents, the names set aside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import pyarrow as pa

from federation.lake.current import read_current
from federation.lake.known_names import known_heads_sql
from federation.lake.lake_sql import (
    VERSION,
    duckdb_types,
    heads_sql,
    identifier,
    open_duckdb,
    stored_heads_sql,
    union,
)
from federation.lake.log import CommitLog
from federation.lake.lookups import versions
from federation.lake.newest import Source
from federation.lake.storage import LakeFolder

LOST: Final = ":lost"
"""A column beside a site's: some value of the row doesn't go into its column's type of today."""


def names_set_aside(folder: LakeFolder, log: CommitLog, doctype: str) -> list[str]:
    """Return the names, sorted, of the documents whose newest version is in quarantine."""
    current = read_current(folder, doctype)
    packages = log.since(current.seq).of(doctype, current.seq)
    stored = current.uris(folder, "quarantine")
    brought = any(file.kind == "quarantine" for each in packages for file in each.package.files)
    if not (stored or brought):
        return []
    aside = union([heads_sql(folder, packages, doctype, "quarantine"), stored_heads_sql(stored)])
    heads = known_heads_sql(folder, current, packages)
    with open_duckdb(folder) as connection:
        found = connection.execute(
            f"SELECT name FROM (SELECT name, max({VERSION}) AS {VERSION} FROM ({heads}) GROUP BY name) "
            f"SEMI JOIN ({aside}) AS aside USING (name, {VERSION}) ORDER BY name"
        ).fetchall()
    return [name for (name,) in found]


def names_patched(
    folder: LakeFolder, log: CommitLog, doctype: str, table: str, columns: Sequence[str], *, walk: str
) -> list[str]:
    """Return the names of the documents for which a patch since the last compaction sets any of these columns."""
    with versions(folder, log, doctype, walk) as newest:
        return [name for (name,) in newest.connection.execute(newest.patched({table: columns})).fetchall()]


def accepted_rows(
    folder: LakeFolder, log: CommitLog, doctype: str, table: str, schema: pa.Schema, *, walk: str, at_once: int
) -> Iterator[pa.Table]:
    """Yield the rows of the newest versions that are accepted, in the columns and types of `schema`, and `LOST`.

    A column that a file lacks is null, and so is a value that doesn't go into its type. What patches set since the last
    compaction isn't in them.

    Args:
        folder: the satellite's folder.
        log: its log.
        doctype: whose documents.
        table: `doctype` or one of its child DocTypes.
        schema: columns, with the one that names a row's document.
        walk: the walk that asks; what it committed itself counts too.
        at_once: rows of a table, at most.
    """
    with versions(folder, log, doctype, walk) as newest:
        newest.judge()
        kinds = duckdb_types(newest.connection, schema)
        selects = [_select(source, kinds) for source in newest.sources(table)]
        if selects:
            for batch in newest.connection.execute(union(selects)).to_arrow_reader(at_once):
                yield pa.Table.from_batches([batch]).cast(schema.append(pa.field(LOST, pa.bool_())))


def _select(source: Source, kinds: dict[str, str]) -> str:
    values, lost = [], ["false"]
    for name, kind in kinds.items():
        column, held = f"row.{identifier(name)}", source.columns.get(name)
        if held is None:
            values.append(f"NULL::{kind}")
        elif held == kind:
            values.append(column)
        else:
            values.append(f"TRY_CAST({column} AS {kind})")
            lost.append(f"({column} IS NOT NULL AND TRY_CAST({column} AS {kind}) IS NULL)")
    chosen = ", ".join(f"{value} AS {identifier(name)}" for name, value in zip(kinds, values, strict=True))
    return f"SELECT {chosen}, {' OR '.join(lost)} AS {identifier(LOST)} FROM {source.rows}"
