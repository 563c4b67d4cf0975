"""Lake files: the Parquet files of a satellite read and written anew, without what is erased."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from federation.contract.names import NAME
from federation.erasure.traces import Holding, Targets
from federation.lake.errors import LakeUnavailable
from federation.lake.storage import LakeFolder
from federation.lake.table_file import TableFile

_BATCH_ROWS: Final = 65_536


@dataclass
class Tally:
    """What was found of erased documents on the lake, every stored version of them counted.

    Attributes:
        removed: (kind of file, DocType or child DocType) → rows.
        replaced: DocType or child DocType → links that lead to a pseudonym instead.
        files: files that hold any of it.
        manifests: manifests that name any of them.
    """

    removed: Counter[tuple[str, str]] = field(default_factory=Counter)
    replaced: Counter[str] = field(default_factory=Counter)
    files: int = 0
    manifests: int = 0

    @property
    def is_empty(self) -> bool:
        """Nothing was found."""
        return not (self.files or self.manifests)


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file without what is erased.

    Attributes:
        path: relative to the satellite's folder; where nothing was left of it, none was written.
        names: how many documents it tells of; for a quarantine, whose rows are faults.
    """

    path: str
    rows: int
    size: int
    sha256: str
    names: int


def has_traces(folder: LakeFolder, path: str, holding: Holding, targets: Targets) -> Tally:
    """Return what a file holds of erased documents; only the columns that may tell are read."""
    tally = Tally()
    columns = targets.columns(holding)
    if not columns:
        return tally
    with opened(folder, path) as parquet:
        told = [name for name in parquet.schema_arrow.names if name in columns]
        for rows in batches(parquet, told):
            cleaned = targets.without(holding, rows)
            tally.removed[holding.kind, holding.table] += cleaned.removed
            tally.replaced[holding.table] += cleaned.replaced
    tally.files = 1 if tally.removed.total() or tally.replaced.total() else 0
    return tally


def written_anew(folder: LakeFolder, path: str, holding: Holding, targets: Targets, *, new_path: str) -> NewFile:
    """Write a file without what is erased under another path, row group by row group."""
    names: set[str] = set()
    with opened(folder, path) as parquet:
        file = TableFile(folder.open_output(new_path), parquet.schema_arrow)
        try:
            for rows in batches(parquet):
                left = targets.without(holding, rows).rows
                file.append(left)
                if holding.kind == "quarantine":
                    names.update(left.column(NAME).to_pylist())
        except BaseException:
            file.abort()
            raise
    file.finish()
    return NewFile(new_path, file.rows, file.size, file.sha256, len(names))


@contextmanager
def opened(folder: LakeFolder, path: str) -> Iterator[pq.ParquetFile]:
    """Open a Parquet file of the lake.

    Raises:
        LakeUnavailable: it isn't there, can't be read, or is no Parquet file.
    """
    try:
        with folder.open_input(path) as file, pq.ParquetFile(file) as parquet:
            yield parquet
    except (pa.ArrowInvalid, OSError) as error:
        place = f"{folder.satellite}/{path}"
        raise LakeUnavailable("read", place, str(error).partition("\n")[0][:200]) from error


def batches(parquet: pq.ParquetFile, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
    """Yield a file's rows, of some columns or all, in bounded memory."""
    schema = parquet.schema_arrow
    for batch in parquet.iter_batches(_BATCH_ROWS, columns=columns):
        chosen = schema if columns is None else pa.schema([schema.field(name) for name in batch.schema.names])
        yield pa.Table.from_batches([batch], schema=chosen.remove_metadata())
