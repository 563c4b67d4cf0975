"""Samples: a few rows of a package for a person to look at, as the policy let them leave the satellite."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq

from federation.contract.names import NAME, OBSERVED, SATELLITE, UTC_SUFFIX
from federation.contract.satellite_schema import DOCUMENT_FIELDS
from federation.lake.manifest import Package, PackageFile
from federation.lake.storage import LakeFolder

_ROWS: Final = 5
_COLUMNS: Final = 12
_LONGEST_CELL: Final = 80
_EVERY_TABLE_HAS: Final = {
    SATELLITE,
    OBSERVED,
    *(fieldname + suffix for fieldname, _, _ in DOCUMENT_FIELDS for suffix in ("", UTC_SUFFIX)),
}


@dataclass(frozen=True, slots=True)
class Sample:
    """What a file holds.

    Attributes:
        schema: all its columns.
        rows: its first rows: the name and the first columns that other tables don't have too.
    """

    schema: pa.Schema
    rows: pa.Table


def rows_file(packages: Sequence[Package]) -> PackageFile | None:
    """Return the file with the newest rows of the DocType itself, None where there are only tombstones."""
    files = (
        file
        for package in reversed(packages)
        for file in package.files
        if file.kind == "rows" and file.table == package.doctype and file.rows
    )
    return next(files, None)


def read_sample(folder: LakeFolder, file: PackageFile) -> Sample:
    """Return the columns and the first rows of a file; no more than these is decoded.

    Raises:
        OSError: the file can't be read.
    """
    with folder.filesystem.open(folder.uri(file.path)) as opened, pq.ParquetFile(opened) as parquet:
        schema = parquet.schema_arrow
        telling = [NAME, *(name for name in schema.names if name not in _EVERY_TABLE_HAS)]
        batches = parquet.iter_batches(batch_size=_ROWS, row_groups=[0], columns=telling[:_COLUMNS])
        return Sample(schema, pa.Table.from_batches([next(batches)]))


def as_table(rows: pa.Table) -> dg.TableMetadataValue:
    """Return rows as the UI's table: text, and no longer than can be read there."""
    records = [dg.TableRecord({name: _text(value) for name, value in row.items()}) for row in rows.to_pylist()]
    columns = [dg.TableColumn(field.name, type=str(field.type)) for field in rows.schema]
    return dg.MetadataValue.table(records, schema=dg.TableSchema(columns=columns))


def _text(value: object) -> str:
    text = "" if value is None else str(value)
    shown = text if len(text) <= _LONGEST_CELL else f"{text[:_LONGEST_CELL]}…"
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in shown)
