"""Stage: what a group of packages tells of documents, as keys only, and which of it a later observation overtook."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from federation.mothership.duckdb.sql import parquet
from federation.mothership.mariadb.keys import Target, announce, take_back
from federation.mothership.package_files import ReadyPackage
from federation.mothership.sql import Fragment

MODIFIED_UTC: Final = "modified_utc"


@dataclass(frozen=True, slots=True)
class Staged:
    """What `stage` found.

    Attributes:
        documents: states that apply.
        updated: those among them whose document stands in an earlier state, and in no grave.
        overtaken: states of documents that don't apply.
        graves: absences that apply.
        stale_graves: absences that don't.
        newest: the newest `modified_utc` of the stored rows that go or are replaced; None where there are none.
    """

    documents: int
    updated: int
    overtaken: int
    graves: int
    stale_graves: int
    newest: datetime | None


def stage(target: Target, group: Sequence[ReadyPackage]) -> Staged:
    """Make tables that say what applies. The rows themselves stay in their files.

    On the bench and, with the first two columns, as temporary tables of the server:

    - `_documents` (name, observed, package, row): the states that apply, one a name; `package` and `row` say where the
      row lies: the number of the package among those of the group that have rows, and the row's number in its file.
      The server's is empty where the server has nothing that could be older or newer: then all are new.
    - `_graves` (name, observed): the absences that apply, one a name. A name may be in both: absent, then there again.

    On the bench only:

    - `_losers` (package, row): states that don't apply.

    A state applies where nothing of the same document was observed later, here or in the tables; of an absence and a
    state with the same `observed` the absence counts.
    """
    _read_graves(target, group)
    _read_documents(target, group)
    overtaken = _settle_within_group(target)
    stale_graves = _announce_graves(target)
    graves = target.bench.count("SELECT count(*) FROM _graves")
    documents = target.bench.count("SELECT count(*) FROM _documents")
    announce(target, "_documents", ("name", "observed"), rows=documents if graves or not _is_first(target) else 0)
    updated, lost, replaced = _meet_stored(target)
    buried = _newest_buried(target) if graves else None
    newest = max(filter(None, (replaced, buried)), default=None)
    return Staged(documents - lost, updated, overtaken + lost, graves, stale_graves, newest)


def _read_graves(target: Target, group: Sequence[ReadyPackage]) -> None:
    paths = [package.tombstones.path for package in group if package.tombstones]
    target.bench.run("CREATE OR REPLACE TABLE _graves (name VARCHAR, observed TIMESTAMP)")
    if paths:
        target.bench.run(
            "INSERT INTO _graves SELECT name, max(observed) FROM {files} GROUP BY name", files=parquet(paths)
        )


def _read_documents(target: Target, group: Sequence[ReadyPackage]) -> None:
    paths = [package.tables[target.doctype].path for package in group if package.tables]
    target.bench.run(
        "CREATE OR REPLACE TABLE _documents (name VARCHAR, observed TIMESTAMP, package UBIGINT, row BIGINT)"
    )
    if paths:
        target.bench.run(
            "INSERT INTO _documents SELECT name, observed, file_index, file_row_number FROM {files}",
            files=parquet(paths),
        )


def _settle_within_group(target: Target) -> int:
    """Leave one state a name, none that an absence of the group overtook; return how many went."""
    bench = target.bench
    # A window over all names would need memory for the whole group; few names come more than once. Of those that may,
    # hashes tell in half of the memory that names take.
    bench.run(
        "CREATE OR REPLACE TABLE _losers AS SELECT package, row FROM _documents "
        "SEMI JOIN (SELECT hash(name) AS hashed FROM _documents GROUP BY hashed HAVING count(*) > 1) AS repeated "
        "ON repeated.hashed = hash(_documents.name) "
        "QUALIFY row_number() OVER (PARTITION BY name ORDER BY observed DESC, package DESC, row DESC) > 1 "
        "UNION SELECT package, row FROM _documents JOIN _graves AS later "
        "ON later.name = _documents.name AND later.observed >= _documents.observed"
    )
    return bench.count(
        "DELETE FROM _documents USING _losers "
        "WHERE _documents.package = _losers.package AND _documents.row = _losers.row"
    )


def _announce_graves(target: Target) -> int:
    """Leave the absences that nothing on the server overtook; return how many went."""
    rows = target.bench.count("SELECT count(*) FROM _graves")
    announce(target, "_graves", ("name", "observed"), rows=rows)
    if not rows:
        return 0
    stale = target.connection.run(
        "SELECT _graves.name FROM _graves STRAIGHT_JOIN {table} AS stored "
        "ON stored.satellite = {satellite} AND stored.name = _graves.name WHERE stored.observed > _graves.observed "
        "UNION SELECT _graves.name FROM _graves JOIN federation_tombstone AS stored "
        "ON stored.satellite = {satellite} AND stored.doctype = {doctype} AND stored.name = _graves.name "
        "WHERE stored.observed >= _graves.observed",
        **target.parts,
    )
    if stale:
        take_back(target, "_graves", [name for (name,) in stale])
        target.bench.run("DELETE FROM _graves USING _found WHERE _found.name = _graves.name")
    return len(stale)


def _is_first(target: Target) -> bool:
    """Return whether the server has nothing of the satellite that documents of the DocType could be in the way of."""
    tables = (target.parent.name, *(child.name for child in target.children))
    aside = ("federation_tombstone", "federation_quarantine")
    return not any(map(target.holds, (*tables, *aside)))


def _meet_stored(target: Target) -> tuple[int, int, datetime | None]:
    """Leave the states that nothing on the server overtook.

    Rows of documents in graves are still there: a state that one of them overtook was overtaken by the grave as well.

    Returns:
        (states whose document stands in an earlier one and in no grave, states that went, newest `modified` to go).
    """
    updated, overtaken, newest = _count_stored(target)
    lost = {
        name
        for (name,) in target.connection.run(
            "SELECT _documents.name FROM _documents JOIN federation_tombstone AS later "
            "ON later.satellite = {satellite} AND later.doctype = {doctype} AND later.name = _documents.name "
            "WHERE later.observed >= _documents.observed",
            **target.parts,
        )
    }
    if overtaken:
        newer = target.connection.run(
            "SELECT _documents.name FROM _documents STRAIGHT_JOIN {table} AS stored "
            "ON stored.satellite = {satellite} AND stored.name = _documents.name "
            "WHERE stored.observed >= _documents.observed",
            **target.parts,
        )
        lost |= {name for (name,) in newer}
    if lost:
        take_back(target, "_documents", sorted(lost))
        target.bench.run("INSERT INTO _losers SELECT package, row FROM _documents SEMI JOIN _found USING (name)")
        target.bench.run("DELETE FROM _documents USING _found WHERE _found.name = _documents.name")
        updated, _, newest = _count_stored(target)
    return updated, len(lost), newest


def _count_stored(target: Target) -> tuple[int, int, datetime | None]:
    """Return how many staged states replace an earlier one, how many met one that isn't, and the newest `modified`."""
    updated, overtaken, newest = target.connection.run(
        "SELECT coalesce(sum(_graves.name IS NULL AND (stored.observed >= _documents.observed) IS NOT TRUE), 0), "
        "coalesce(sum(stored.observed >= _documents.observed), 0), {newest} "
        "FROM _documents STRAIGHT_JOIN {table} AS stored "
        "ON stored.satellite = {satellite} AND stored.name = _documents.name "
        "LEFT JOIN _graves ON _graves.name = _documents.name",
        **target.parts,
        newest=_newest(target),
    )[0]
    return int(updated), int(overtaken), newest


def _newest_buried(target: Target) -> datetime | None:
    rows = target.connection.run(
        "SELECT {newest} FROM _graves STRAIGHT_JOIN {table} AS stored "
        "ON stored.satellite = {satellite} AND stored.name = _graves.name",
        **target.parts,
        newest=_newest(target),
    )
    newest: datetime | None = rows[0][0]
    return newest


def _newest(target: Target) -> Fragment:
    return Fragment("max(stored.modified_utc)" if MODIFIED_UTC in target.parent.columns else "NULL")
