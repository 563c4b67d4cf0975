"""Package files: the Parquet files of a package, fetched where they are far away and held against the manifest."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from federation.contract.fieldtypes import DATE, DATETIME, FLAG, INTEGER, MONEY, TEXT, TIME, WIDE_NUMBER
from federation.contract.names import NAME, OBSERVED
from federation.lake.errors import LakeUnavailable
from federation.lake.history import Committed
from federation.lake.manifest import FileKind, Package, PackageFile
from federation.lake.packages import (
    ALIAS_SCHEMA,
    CHILD_KEYS,
    DROPPED_SCHEMA,
    PATCH_KEYS,
    QUARANTINE_SCHEMA,
    RULE,
    TOMBSTONE_SCHEMA,
)
from federation.lake.storage import LakeFolder
from federation.mothership.errors import PackageDamaged

COLUMN_TYPES: Final = (TEXT, INTEGER, FLAG, DATE, TIME, DATETIME, MONEY, WIDE_NUMBER)
"""The types that a contract knows: a file with another one was not written by us."""
_SCHEMAS: Final[Mapping[FileKind, tuple[pa.Schema, ...]]] = {
    "tombstones": (TOMBSTONE_SCHEMA,),
    "quarantine": (QUARANTINE_SCHEMA, pa.schema([column for column in QUARANTINE_SCHEMA if column.name != RULE])),
    "aliases": (ALIAS_SCHEMA,),
    "dropped": (DROPPED_SCHEMA,),
}
"""What files of a kind look like, those of earlier versions included."""


Coverage = tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
"""(DocType, ((column, type), …)), one entry a table."""


@dataclass(frozen=True, slots=True)
class ReadyFile:
    """A file on this machine, found to be what its manifest says."""

    path: str
    rows: int
    schema: pa.Schema


@dataclass(frozen=True)
class ReadyPackage:
    """A package whose files are all here and whole.

    Attributes:
        seq: the commit that brought it.
        tables: DocType → its rows: the parent's and those of the child DocTypes that the package covers.
        tombstones: `TOMBSTONE_SCHEMA`, None where there are none.
        quarantine: `QUARANTINE_SCHEMA`, None where there is none.
        patches: DocType → columns to set in its rows; a package that has any has nothing else.
        aliases: `ALIAS_SCHEMA`, None where there are none.
        dropped: `DROPPED_SCHEMA`, None where there is none.
    """

    seq: int
    package: Package
    tables: Mapping[str, ReadyFile]
    tombstones: ReadyFile | None
    quarantine: ReadyFile | None
    patches: Mapping[str, ReadyFile] = field(default_factory=dict)
    aliases: ReadyFile | None = None
    dropped: ReadyFile | None = None

    @property
    def rows(self) -> int:
        """Rows of all tables, tombstones included."""
        files = (*self.tables.values(), *filter(None, (self.tombstones,)))
        return sum(file.rows for file in files)

    @cached_property
    def coverage(self) -> Coverage:
        """Which columns of which tables it carries, and in which types."""
        return tuple(
            (doctype, tuple((field.name, str(field.type)) for field in self.tables[doctype].schema))
            for doctype in sorted(self.tables)
        )


def ready(folder: LakeFolder, committed: Committed, scratch: Path) -> ReadyPackage:
    """Return the package with all files that are merged on this machine, each found to be what its manifest says.

    Args:
        folder: the satellite's folder on the lake.
        committed: the package.
        scratch: an existing local folder, where files from an object store are put.

    Raises:
        PackageDamaged: a file is missing or is another one.
        LakeUnavailable: the lake is out of reach.
    """
    package = committed.package
    found: dict[FileKind, dict[str, ReadyFile]] = {}
    for file in package.files:
        if file.kind != "seen":
            found.setdefault(file.kind, {})[file.table] = _checked(folder, package, file, scratch)
    tombstones, quarantine, aliases, dropped = (
        found.get(kind, {}).get(package.doctype) for kind in ("tombstones", "quarantine", "aliases", "dropped")
    )
    tables, patches = found.get("rows", {}), found.get("patch", {})
    return ReadyPackage(committed.seq, package, tables, tombstones, quarantine, patches, aliases, dropped)


def _checked(folder: LakeFolder, package: Package, file: PackageFile, scratch: Path) -> ReadyFile:
    path = _fetched(folder, file, scratch)

    def damaged(reason: str) -> PackageDamaged:
        return PackageDamaged(folder.satellite, package.doctype, f"{folder.satellite}/{file.path}", reason)

    if path is None:
        raise damaged("is not on the lake")
    with path.open("rb") as content:
        if path.stat().st_size != file.size or hashlib.file_digest(content, "sha256").hexdigest() != file.sha256:
            raise damaged("was changed after it was written")
    try:
        with pq.ParquetFile(path) as parquet:
            rows, schema = parquet.metadata.num_rows, parquet.schema_arrow
    except (pa.ArrowInvalid, OSError) as error:
        raise damaged(f"is not a Parquet file ({type(error).__name__})") from error
    if rows != file.rows:
        raise damaged(f"has {rows:,} rows and its manifest says {file.rows:,}")
    if reason := _misshapen(schema, file, package):
        raise damaged(reason)
    return ReadyFile(str(path), rows, schema)


def _fetched(folder: LakeFolder, file: PackageFile, scratch: Path) -> Path | None:
    if not folder.exists(file.path):
        return None
    if folder.is_local:
        return Path(folder.uri(file.path))
    # The database reads a file several times, by columns: fetched once, it costs the object store one request.
    path = scratch / file.sha256
    try:
        folder.filesystem.get_file(folder.uri(file.path), str(path))
    except OSError as error:
        place = f"{folder.satellite}/{file.path}"
        raise LakeUnavailable("read", place, error.strerror or type(error).__name__) from error
    return path


def _misshapen(schema: pa.Schema, file: PackageFile, package: Package) -> str:
    if expected := _SCHEMAS.get(file.kind):
        return "" if any(map(schema.equals, expected)) else f"doesn't have the columns of {file.kind}"
    keys = {*PATCH_KEYS} if file.kind == "patch" else {NAME, OBSERVED}
    if file.table != package.doctype:
        keys |= {*CHILD_KEYS}
    if missing := sorted(keys - set(schema.names)):
        return f"has no column {', '.join(missing)}"
    unknown = sorted(field.name for field in schema if field.type not in COLUMN_TYPES)
    return f"has columns of unknown types: {', '.join(unknown)}" if unknown else ""
