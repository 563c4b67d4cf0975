"""Survey: which documents a command means — under every name that they bore, with what tells their history."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from federation.contract.names import NAME, column_name
from federation.erasure.lake_files import batches, opened
from federation.erasure.links import link_columns
from federation.erasure.suppression import HISTORIES, Suppression
from federation.erasure.traces import Targets
from federation.lake.current import read_current
from federation.lake.known_names import alive_since
from federation.lake.log import CommitLog
from federation.lake.manifest import Manifest
from federation.lake.packages import ALIAS_SCHEMA
from federation.lake.schemas import read_schema
from federation.policy.rules import SatellitePolicy

_Edge = tuple[str, str, datetime]
"""A former name, the name after it, and when that was seen (naive, UTC)."""


@dataclass(frozen=True)
class Meant:
    """The documents that are to be erased.

    Attributes:
        names: DocType → names: those asked for, the other names that these documents bore, and the documents that
            tell their history.
        reused: DocType → name that one of them bore and that belongs to another document since → until when it was
            theirs (naive, UTC): what is older is erased.
    """

    names: dict[str, tuple[str, ...]]
    reused: dict[str, dict[str, datetime]] = field(default_factory=dict)


def documents_meant(log: CommitLog, doctype: str, asked: Collection[str]) -> Meant:
    """Return what a command means that names documents of a DocType.

    Raises:
        LakeError: the log or a package can't be read.
    """
    manifests = list(log.read())
    edges = list(_aliases(log, manifests, doctype))
    names, reused = _under_all_names(log, doctype, asked, edges)
    meant = {doctype: names}
    for history in HISTORIES:
        if history != doctype and (found := _histories(log, manifests, history, (doctype, names))):
            meant[history] = found
    return Meant(meant, {doctype: reused} if reused else {})


def targets_of(log: CommitLog, meant: Meant, suppression: Suppression, policy: SatellitePolicy | None) -> Targets:
    """Return where names of documents may stand in the files and tables of a satellite, and what stands there then.

    Raises:
        LakeError: the log or the schema can't be read.
        SettingsError: the key of a hash can't be had.
    """
    newest = log.newest()
    described = read_schema(log.folder, newest.schema).doctypes if newest and newest.schema else {}
    names = {
        doctype: {name: suppression.pseudonym(doctype, name) for name in some} for doctype, some in meant.names.items()
    }
    links = {name: link_columns(each, names, policy) for name, each in described.items()}
    children = {name: tuple(sorted({*each.tables.values(), *each.past_tables})) for name, each in described.items()}
    return Targets(names, {name: some for name, some in links.items() if some}, children, meant.reused)


def _under_all_names(
    log: CommitLog, doctype: str, asked: Collection[str], edges: Sequence[_Edge]
) -> tuple[tuple[str, ...], dict[str, datetime]]:
    """Follow renames both ways, but none from a name that was given to another document afterwards."""
    reused: dict[str, datetime] = {}
    alive = alive_since(log.folder, log, doctype, [old for old, _, _ in edges]) if edges else {}
    found = dict.fromkeys(asked)
    grown = True
    while grown:
        before = len(found)
        for old, new, observed in edges:
            if (old in found) == (new in found):
                continue
            since = alive.get(old)
            if since is not None and since > observed:
                reused[old] = observed
                continue
            found.update({old: None, new: None})
        grown = len(found) > before
    return tuple(found), {name: until for name, until in reused.items() if name not in found}


def _aliases(log: CommitLog, manifests: Sequence[Manifest], doctype: str) -> Iterator[_Edge]:
    for manifest in manifests:
        for package in manifest.packages:
            for file in package.files:
                if package.doctype == doctype and file.kind == "aliases":
                    with opened(log.folder, file.path) as parquet:
                        for rows in batches(parquet):
                            yield from zip(
                                *(column.to_pylist() for column in rows.select(ALIAS_SCHEMA.names).columns), strict=True
                            )


def _histories(
    log: CommitLog, manifests: Sequence[Manifest], history: str, told_of: tuple[str, Sequence[str]]
) -> tuple[str, ...]:
    """Return the names of documents of a DocType such as Version that tell of some documents, in any version."""
    doctype, names = told_of
    columns = (NAME, *map(column_name, HISTORIES[history]))
    wanted = pa.array(names, pa.string())
    found: dict[str, None] = {}
    files = [
        file.path
        for manifest in manifests
        for package in manifest.packages
        for file in package.files
        if package.doctype == file.table == history and file.kind == "rows"
    ]
    files += [
        file.path for file in read_current(log.folder, history).files if file.kind == "rows" and file.table == history
    ]
    for path in files:
        with opened(log.folder, path) as parquet:
            if not {*columns} <= {*parquet.schema_arrow.names}:
                continue
            for rows in batches(parquet, columns):
                of, name = (rows.column(column) for column in columns[1:])
                told = pc.and_(pc.equal(of, doctype), pc.is_in(name, value_set=wanted))
                found.update(dict.fromkeys(rows.filter(told).column(NAME).to_pylist()))
    return tuple(found)
