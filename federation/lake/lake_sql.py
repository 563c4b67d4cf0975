"""Lake SQL: DuckDB over Parquet files on the lake in bounded memory, and the one order of a document's versions."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import duckdb
import pyarrow as pa

from federation.lake.history import Committed
from federation.lake.manifest import FileKind
from federation.lake.storage import LakeFolder

MEMORY_MB: Final = 128
"""What DuckDB may hold of joins and aggregates; more goes to disk."""
MEMORY_MB_PER_COLUMN: Final = 1.0
"""On top of it, for the pages of every column that is read: those can't go to disk."""

_INSTANT: Final = 2**40
_COMMIT: Final = 2

VERSION: Final = '":version"'
_FILE: Final = ":file"
"""Names of ours beside a site's columns: no fieldname has a colon."""

WITHOUT_RULE: Final[Mapping[str, str]] = MappingProxyType({"rule": "''"})
"""`optional` of `parquet` for quarantine that was written before rules were told."""
WITHOUT_SEEN: Final[Mapping[str, str]] = MappingProxyType({"seen": "NULL::TIMESTAMP"})
"""`optional` of `parquet` for stored quarantine of before it was noted when such documents were met."""


@dataclass(frozen=True, slots=True)
class Scan:
    """Parquet files of one shape, and the commit that each came with.

    Attributes:
        uris: the files, as DuckDB names them.
        seqs: one commit a file.
    """

    uris: tuple[str, ...]
    seqs: tuple[int, ...]

    def sql(self, columns: Iterable[str], *, absent: bool = False, optional: Mapping[str, str] | None = None) -> str:
        """Return a SELECT of `columns` and of the `VERSION` of each row; `optional` is as in `parquet`.

        A version is one number that orders what is known of a document: by `observed`, then by the commit; where both
        are the same, absence wins. It is odd where the document is absent.
        """
        files = f"SELECT unnest([{', '.join(map(literal, self.uris))}]) AS uri, unnest({list(self.seqs)}) AS seq"
        chosen = ", ".join(f"file.{identifier(column)}" for column in columns)
        version = _version("file.observed", "commit.seq", str(int(absent)))
        rows = parquet(self.uris, with_file=True, optional=optional)
        return (
            f"SELECT {chosen}, {version} AS {VERSION} FROM {rows} AS file "
            f"JOIN ({files}) AS commit ON commit.uri = file.{identifier(_FILE)}"
        )


def scan_of(folder: LakeFolder, packages: Iterable[Committed], kind: FileKind, table: str) -> Scan | None:
    """Return the files of one kind and table among packages, those without rows left out; None where none is left."""
    found = [
        (folder.uri(file.path), committed.seq)
        for committed in packages
        for file in committed.package.files
        if (file.kind, file.table) == (kind, table) and file.rows
    ]
    return Scan(tuple(uri for uri, _ in found), tuple(seq for _, seq in found)) if found else None


def heads_sql(folder: LakeFolder, packages: Sequence[Committed], doctype: str, *kinds: FileKind) -> str:
    """Return a SELECT of the name and `VERSION` of all that files of these kinds tell of documents."""
    scans = [(kind, scan_of(folder, packages, kind, doctype)) for kind in kinds]
    return union([NO_HEADS, *(scan.sql(["name"], absent=kind == "tombstones") for kind, scan in scans if scan)])


def stored_heads_sql(uris: Sequence[str]) -> str:
    """Return a SELECT of the name and `VERSION` from files that hold `observed`, `seq` and `absent`."""
    return stored_rows_sql(uris, ["name"]) if uris else NO_HEADS


def stored_rows_sql(uris: Sequence[str], columns: Iterable[str], *, optional: Mapping[str, str] | None = None) -> str:
    """Return a SELECT of `columns` and `VERSION` from files that hold `observed`, `seq` and `absent`."""
    chosen = ", ".join(map(identifier, columns))
    version = _version("observed", "seq", "absent::INTEGER")
    return f"SELECT {chosen}, {version} AS {VERSION} FROM {parquet(uris, optional=optional)}"


def version_columns(version: str) -> str:
    """Return the columns `observed`, `seq` and `absent` that a version is made of."""
    return (
        f"{observed_of(version)} AS observed, "
        f"({version} % {_INSTANT} // {_COMMIT})::BIGINT AS seq, {is_absent(version)} AS absent"
    )


def observed_of(version: str) -> str:
    """Return the instant that a version was observed at."""
    return f"make_timestamp(({version} // {_INSTANT})::BIGINT)"


def is_absent(version: str) -> str:
    """Return the condition that a version tells of an absence."""
    return f"({version} % {_COMMIT} = 1)"


def _version(observed: str, seq: str, absent: str) -> str:
    return f"epoch_us({observed})::HUGEINT * {_INSTANT} + {seq}::HUGEINT * {_COMMIT} + {absent}"


NO_HEADS: Final = f"SELECT ''::VARCHAR AS name, 0::HUGEINT AS {VERSION} WHERE false"


def columns_by_file(connection: duckdb.DuckDBPyConnection, uris: Sequence[str]) -> dict[str, dict[str, str]]:
    """Return file → column → DuckDB type, in one query."""
    found: dict[str, dict[str, str]] = {}
    if uris:
        for uri, name, kind in connection.execute(
            f"SELECT file_name, name, duckdb_type FROM parquet_schema([{', '.join(map(literal, uris))}]) "
            "WHERE num_children IS NULL"
        ).fetchall():
            found.setdefault(uri, {})[name] = kind
    return found


def duckdb_types(connection: duckdb.DuckDBPyConnection, schema: pa.Schema) -> dict[str, str]:
    """Return column → its type as DuckDB names it."""
    types = connection.from_arrow(schema.empty_table()).types
    return dict(zip(schema.names, map(str, types), strict=True))


def union(selects: Iterable[str]) -> str:
    """Return one SELECT of all rows of several."""
    return " UNION ALL ".join(f"({select})" for select in selects)


def parquet(uris: Iterable[str], *, with_file: bool = False, optional: Mapping[str, str] | None = None) -> str:
    """Return the table expression of Parquet files.

    Args:
        uris: the files.
        with_file: with a column that names the file.
        optional: columns that files of earlier versions don't have → what theirs reads as, in SQL.
    """
    named = f", filename={literal(_FILE)}" if with_file else ""
    files = f"[{', '.join(map(literal, uris))}]{named}"
    if not optional:
        return f"read_parquet({files})"
    given = {identifier(column): default for column, default in optional.items()}
    replaced = ", ".join(f"coalesce({column}, {default}) AS {column}" for column, default in given.items())
    defaults = ", ".join(f"{default} AS {column}" for column, default in given.items())
    return (
        f"(SELECT * REPLACE ({replaced}) FROM (SELECT {defaults} WHERE false "
        f"UNION ALL BY NAME FROM read_parquet({files}, union_by_name=true)))"
    )


def literal(text: str) -> str:
    """Return `text` as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """Return `name` as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def memory_limit(columns: int) -> str:
    """Return what DuckDB may hold, as a setting, where the widest table that it reads has so many columns."""
    return f"{MEMORY_MB + round(columns * MEMORY_MB_PER_COLUMN)}MB"


@contextmanager
def open_duckdb(folder: LakeFolder, columns: int = 1) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open an empty DuckDB that reads the lake in bounded memory, with a temporary folder for what is more.

    One thread reads as fast as one Parquet file is written, and every further one would hold pages of its own.

    Args:
        folder: the satellite's folder.
        columns: those of the widest table that is read.
    """
    with tempfile.TemporaryDirectory(prefix="federation-") as temporary:
        settings: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": memory_limit(columns),
            "temp_directory": temporary,
            "threads": 1,
            "preserve_insertion_order": False,
            # Joins are written with the narrow side on the right, to be held in memory; a guess may turn them round.
            "disabled_optimizers": "join_order,build_side_probe_side",
            "enable_external_file_cache": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
        connection = duckdb.connect(config=settings)
        try:
            if not folder.is_local:
                connection.register_filesystem(folder.filesystem)
            yield connection
        finally:
            connection.close()
