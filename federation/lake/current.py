"""Current: the compacted dataset of one DocType, one row a document, that any engine can read."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from typing import Final

import duckdb
import msgspec
import pyarrow as pa

from federation.contract.columns import Contract
from federation.contract.names import slug
from federation.lake.errors import CompactionFailed, DamagedLog, NotOnLake
from federation.lake.fold import CurrentKind, Group, Output, Stored, fold, group
from federation.lake.history import Committed
from federation.lake.lake_sql import open_duckdb
from federation.lake.log import CommitLog
from federation.lake.storage import LakeFolder
from federation.lake.table_file import TableFile

_BATCH_ROWS: Final = 8_192

_VERSION: Final = re.compile(r"([0-9]{10})-[0-9a-f]{8}")


class CurrentFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One Parquet file of the dataset.

    Attributes:
        path: relative to the satellite's folder.
        table: the DocType or child DocType whose rows it holds.
        kind: rows; or heads, one row for every name ever known: its newest version, a tombstone where it is absent, and
            when it was last found as known; or quarantine, documents whose newest version was set aside; or dropped,
            those of them that were given up.
    """

    path: str
    table: str
    kind: CurrentKind
    rows: int
    size: int
    sha256: str


class Current(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `current/<DocType slug>/manifest.json` says.

    Attributes:
        seq: every package up to this commit is in it, but for those that can never count.
        contract: the version of the contract that its columns and types follow.
        files: its files, each in the folder of the version that wrote it.
    """

    doctype: str
    seq: int = 0
    contract: str = ""
    files: tuple[CurrentFile, ...] = ()

    def uris(self, folder: LakeFolder, kind: CurrentKind) -> list[str]:
        """Return its files of one kind, as DuckDB names them."""
        return [folder.uri(file.path) for file in self.files if file.kind == kind]


def read_current(folder: LakeFolder, doctype: str) -> Current:
    """Return the dataset of `doctype` as last published; an empty one before the first time.

    Raises:
        DamagedLog: its manifest can't be read.
    """
    path = _manifest_path(doctype)
    try:
        return msgspec.json.decode(folder.read(path), type=Current)
    except NotOnLake:
        return Current(doctype)
    except msgspec.DecodeError as error:
        raise DamagedLog(folder.satellite, path, f"is not a manifest ({error})") from error


def remove_current(folder: LakeFolder, doctype: str) -> None:
    """Remove the dataset of a DocType."""
    folder.delete(current_folder(doctype))


def current_folder(doctype: str) -> str:
    """Return the folder of a DocType's dataset, relative to the satellite's."""
    return f"current/{slug(doctype)}"


def publish_current(folder: LakeFolder, current: Current) -> None:
    """Show a dataset, whose files are written, in the place of the one before."""
    folder.write(_manifest_path(current.doctype), msgspec.json.encode(current))


def compact(folder: LakeFolder, log: CommitLog, contract: Contract) -> Current:
    """Bring the dataset of a DocType up to the log, publish it and return it.

    Only packages of completed walks are in it, and none that is held back. The newest version of a document counts,
    with the child rows that came with it; a column or a child table that it doesn't carry keeps what it had. Columns
    and types follow `contract`, the satellite's own one of today, so old packages may be of narrower types. One
    compaction of a satellite at a time.

    Raises:
        CompactionFailed: a package is damaged or doesn't fit the contract; the dataset stays as it was.
    """
    before = read_current(folder, contract.doctype)
    history = log.since(before.seq)
    packages = [
        each
        for each in history.of(contract.doctype, before.seq)
        if history.counts(each.package) and not history.is_held(each)
    ]
    after = msgspec.structs.replace(before, seq=history.settled(contract.doctype))
    if packages or (before.files and before.contract != contract.version):
        after = _made_anew(folder, before, packages, contract, after.seq)
    if after != before:
        publish_current(folder, after)
    if after.files != before.files:
        _remove_older(folder, before, after)
    return after


def _made_anew(
    folder: LakeFolder, before: Current, packages: Sequence[Committed], contract: Contract, seq: int
) -> Current:
    made = before
    anew = before.contract != contract.version
    try:
        with open_duckdb(folder) as connection:
            steps = group(connection, folder, packages) or [Group()]
        for step in steps:
            made = _written(folder, made, step, contract, seq, anew=anew)
            anew = False
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        reason = f"{type(error).__name__}: {str(error).partition(chr(10))[0][:200]}."
        raise CompactionFailed(folder.satellite, contract.doctype, reason) from error
    return made


def _written(folder: LakeFolder, before: Current, step: Group, contract: Contract, seq: int, *, anew: bool) -> Current:
    """Write what `step` changes into a folder of its own; other files stay where they are, unless all are made anew."""
    place = f"{current_folder(contract.doctype)}/{seq:010d}-{uuid.uuid4().hex[:8]}"
    stored = Stored(
        {file.table: folder.uri(file.path) for file in before.files if file.kind == "rows"},
        before.uris(folder, "heads"),
        before.uris(folder, "quarantine"),
        before.uris(folder, "dropped"),
    )
    files = {} if anew else {(file.kind, file.table): file for file in before.files}
    widest = max(len(table.columns) for table in contract.tables)
    try:
        with open_duckdb(folder, widest) as connection:
            for output in fold(connection, folder, stored, step, contract, anew=anew):
                path = f"{place}/{slug(output.table) if output.kind == 'rows' else output.kind}.parquet"
                files[output.kind, output.table] = _stream(connection, folder, output, path)
    except BaseException:
        folder.delete(place)
        raise
    return Current(contract.doctype, seq, contract.version, tuple(files.values()))


def _stream(connection: duckdb.DuckDBPyConnection, folder: LakeFolder, output: Output, path: str) -> CurrentFile:
    file = TableFile(folder.open_output(path), output.schema)
    try:
        for batch in connection.execute(output.sql).to_arrow_reader(_BATCH_ROWS):
            file.append(pa.Table.from_batches([batch]).cast(output.schema))
    except BaseException:
        file.abort()
        raise
    file.finish()
    return CurrentFile(path, output.table, output.kind, file.rows, file.size, file.sha256)


def _remove_older(folder: LakeFolder, before: Current, after: Current) -> None:
    """Remove files that `after` replaces, and what compactions that were killed left behind.

    A version as new as `after` that isn't `after` may be another compaction's, so it stays until the next one.
    """
    kept = {file.path.split("/")[2] for file in after.files}
    replaced = {file.path.split("/")[2] for file in before.files} - kept
    for name in folder.names(current_folder(after.doctype)):
        version = _VERSION.fullmatch(name)
        if version and name not in kept and (int(version[1]) < after.seq or name in replaced):
            folder.delete(f"{current_folder(after.doctype)}/{name}")
    named = {file.path for file in after.files}
    for name in kept:
        for path in folder.files(f"{current_folder(after.doctype)}/{name}"):
            if path not in named:
                folder.delete(path)


def _manifest_path(doctype: str) -> str:
    return f"{current_folder(doctype)}/manifest.json"
