"""Packages: the Parquet files of one DocType's changes in one commit, written while they are read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from federation.contract.names import NAME, OBSERVED, slug
from federation.lake.manifest import FileKind, Package, PackageFile
from federation.lake.storage import LakeFolder
from federation.lake.table_file import BUFFER_BYTES, TableFile

TOMBSTONE_SCHEMA: Final = pa.schema([(NAME, pa.string()), (OBSERVED, pa.timestamp("us"))])
SEEN_SCHEMA: Final = TOMBSTONE_SCHEMA
ALIAS_SCHEMA: Final = pa.schema([("old_name", pa.string()), ("new_name", pa.string()), (OBSERVED, pa.timestamp("us"))])
MODIFIED: Final = "modified"
PATCH_KEYS: Final = (NAME, OBSERVED, MODIFIED)
"""Columns that say which row a patch is for; those of a child table have `CHILD_KEYS` too. The others are set."""
CHILD_KEYS: Final = ("parent", "parenttype")
RULE: Final = "rule"
QUARANTINE_SCHEMA: Final = pa.schema(
    [
        (NAME, pa.string()),
        ("fieldname", pa.string()),
        ("value", pa.string()),
        ("reason", pa.string()),
        (OBSERVED, pa.timestamp("us")),
        ("document", pa.string()),
        (RULE, pa.string()),
    ]
)
"""One row a fault: what is wrong, by which expectation, and the whole document as JSON.

`rule` is "" where a cell doesn't fit the contract. Packages of earlier versions don't have it.
"""
DROPPED_SCHEMA: Final = pa.schema([(NAME, pa.string()), (OBSERVED, pa.timestamp("us")), ("digest", pa.string())])
"""Versions of documents, set aside at `observed`, that somebody gave up; `digest` tells one that comes again."""


class PackageWriter:
    """One package in the making. Nothing lies on the lake before the first row; nothing counts before the commit.

    The tables of a package have one set of columns each, those of the first rows that come: a null would erase what
    the mothership has, so a column that a later page lacks or brings can't be filled up here. `fits` tells; where it
    says no, the package is finished and the next one takes the page.

    Attributes:
        id: the package's id, unique over the lake.
        rows: rows so far, of every table, child rows, tombstones and quarantine included: what a batch is measured by.
    """

    def __init__(
        self, folder: LakeFolder, run_id: str, doctype: str, *, batch: int, walk: str, tables: Iterable[str]
    ) -> None:
        self.id = f"{run_id}/{slug(doctype)}/{batch:06d}"
        self.rows = 0
        self._folder = folder
        self._doctype = doctype
        self._walk = walk
        self._tables = frozenset(tables)
        self._files: dict[tuple[FileKind, str], TableFile] = {}
        self._empty: dict[str, pa.Schema] = {}
        self._quarantined = 0
        self._observed: list[datetime] = []

    def fits(self, tables: Mapping[str, pa.Table]) -> bool:
        """Return whether `tables` have the columns that the package's files have. Tables without rows always fit."""
        for doctype, table in tables.items():
            file = self._files.get(("rows", doctype))
            if file is not None and table.num_rows and not table.schema.equals(file.schema):
                return False
        return True

    def append(self, tables: Mapping[str, pa.Table]) -> None:
        """Add whole documents: the rows of the DocType and of every child DocType that the package covers.

        Args:
            tables: DocType → rows, with `observed` (naive, UTC); one entry for each of the package's tables.

        Raises:
            ValueError: other tables than the package covers, or columns that don't fit, or a package of patches.
        """
        if tables.keys() != self._tables or not self.fits(tables):
            raise ValueError(f"{self.id}: these tables belong in another package: {sorted(tables)}")
        for doctype, table in tables.items():
            if table.num_rows:
                self._append("rows", doctype, table)
            else:
                self._empty.setdefault(doctype, table.schema)
        self._see(tables[self._doctype])

    def add_tombstones(self, names: Sequence[str], observed: datetime) -> None:
        """Add documents that were read at `observed` (UTC) and found absent."""
        self._add("tombstones", self._doctype, _observed_names(pa.array(names, pa.string()), observed))

    def add_seen(self, names: pa.Array, observed: datetime) -> None:
        """Add documents that were read, or whose `(name, modified)` was, at `observed` (UTC) and found as known."""
        self._add("seen", self._doctype, _observed_names(names.cast(pa.string()), observed))

    def add_quarantined(self, table: pa.Table) -> None:
        """Add documents set aside, in the columns of `QUARANTINE_SCHEMA`; all rows of a document in one call."""
        self._add("quarantine", self._doctype, table.select(QUARANTINE_SCHEMA.names).cast(QUARANTINE_SCHEMA))
        self._quarantined += pc.count_distinct(table.column(NAME)).as_py()

    def add_patch(self, doctype: str, table: pa.Table) -> None:
        """Add columns to set in rows that are known, and nothing else to a package that has any.

        Args:
            doctype: whose rows they are: the package's own or a child DocType's.
            table: `PATCH_KEYS`, for a child DocType `CHILD_KEYS` too, and the columns to set.
        """
        self._add("patch", doctype, table)

    def add_aliases(self, table: pa.Table) -> None:
        """Add former names of documents, in the columns of `ALIAS_SCHEMA`."""
        self._add("aliases", self._doctype, table.select(ALIAS_SCHEMA.names).cast(ALIAS_SCHEMA))

    def add_dropped(self, table: pa.Table) -> None:
        """Add versions that leave the quarantine, in the columns of `DROPPED_SCHEMA`."""
        self._add("dropped", self._doctype, table.select(DROPPED_SCHEMA.names).cast(DROPPED_SCHEMA))

    def finish(self) -> Package | None:
        """Close the files and return the package for a commit, or None where nothing came.

        With documents come a rows file for every table of the package, empty ones included: «their documents have no
        such rows». Without any, as with tombstones alone, there is no rows file.
        """
        if not self._files:
            return None
        parent = self._files.get(("rows", self._doctype))
        if parent is not None:
            for doctype in sorted(self._tables):
                if ("rows", doctype) not in self._files:
                    self._open("rows", doctype, self._empty[doctype])
        for file in self._files.values():
            file.finish()
        tombstones = self._files.get(("tombstones", self._doctype))
        return Package(
            id=self.id,
            doctype=self._doctype,
            walk=self._walk,
            documents=parent.rows if parent else 0,
            tombstones=tombstones.rows if tombstones else 0,
            quarantined=self._quarantined,
            patched=sum(file.rows for (kind, _), file in self._files.items() if kind == "patch"),
            files=tuple(
                PackageFile(file.path, doctype, kind, file.rows, file.size, file.sha256)
                for (kind, doctype), file in self._files.items()
            ),
            observed_from=min(self._observed),
            observed_to=max(self._observed),
        )

    def abort(self) -> None:
        """Give the package up: nothing of it stays on the lake."""
        while self._files:
            _, file = self._files.popitem()
            file.abort()

    def _add(self, kind: FileKind, doctype: str, table: pa.Table) -> None:
        if table.num_rows:
            self._append(kind, doctype, table)
            self._see(table)

    def _append(self, kind: FileKind, doctype: str, table: pa.Table) -> None:
        if any((kind == "patch") != (other == "patch") for other, _ in self._files):
            raise ValueError(f"{self.id}: patches and whole documents don't go into the same package.")
        file = self._files.get((kind, doctype)) or self._open(kind, doctype, table.schema)
        file.append(table)
        self.rows += table.num_rows
        while sum(file.buffered for file in self._files.values()) > BUFFER_BYTES:
            max(self._files.values(), key=lambda file: file.buffered).flush()

    def _open(self, kind: FileKind, doctype: str, schema: pa.Schema) -> TableFile:
        stem = {"rows": slug(doctype), "patch": f"patch-{slug(doctype)}"}.get(kind, kind)
        file = TableFile(self._folder.open_output(f"runs/{self.id}/{stem}.parquet"), schema)
        self._files[kind, doctype] = file
        return file

    def _see(self, table: pa.Table) -> None:
        if table.num_rows:
            span = pc.min_max(table.column(OBSERVED)).as_py()
            first, last = span["min"].replace(tzinfo=UTC), span["max"].replace(tzinfo=UTC)
            self._observed = [min([first, *self._observed]), max([last, *self._observed])]


def _observed_names(names: pa.Array, observed: datetime) -> pa.Table:
    instant = pa.scalar(observed.astimezone(UTC).replace(tzinfo=None), pa.timestamp("us"))
    return pa.Table.from_arrays([names, pa.repeat(instant, len(names))], schema=SEEN_SCHEMA)
