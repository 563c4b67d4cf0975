"""Stage: what a group of packages tells of documents, as keys only, and which of it a later observation overtook."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from federation.mothership.duckdb.sql import DuckdbConnection, parquet
from federation.mothership.package_files import ReadyPackage
from federation.mothership.sql import literal
from federation.mothership.tables import StoredTable


@dataclass(frozen=True)
class Target:
    """Where the packages of one DocType of one satellite go.

    Attributes:
        parent: the DocType's table.
        children: the tables of all child DocTypes that a site has or had under this one.
    """

    connection: DuckdbConnection
    satellite: str
    doctype: str
    parent: StoredTable
    children: tuple[StoredTable, ...]

    @property
    def parts(self) -> dict[str, str]:
        """What most statements name: the satellite and the DocType as literals, and the parent's table."""
        return {"satellite": literal(self.satellite), "doctype": literal(self.doctype), "table": self.parent.sql}

    def holds(self, table: StoredTable) -> bool:
        """Return whether the table has any row of the satellite."""
        found = self.connection.run(
            "SELECT 1 FROM {table} WHERE satellite = {satellite} LIMIT 1",
            table=table.sql,
            satellite=literal(self.satellite),
        )
        return bool(found)


@dataclass(frozen=True, slots=True)
class Staged:
    """What `stage` found.

    Attributes:
        documents: states that apply.
        overtaken: states of documents that don't.
        graves: absences that apply.
        stale_graves: absences that don't.
    """

    documents: int
    overtaken: int
    graves: int
    stale_graves: int


def stage(target: Target, group: Sequence[ReadyPackage]) -> Staged:
    """Make temporary tables that say what applies. The rows themselves stay in their files.

    - `_documents` (name, observed, package, row): the states that apply, one a name; `package` and `row` say where the
      row lies: the number of the package among those of the group that have rows, and the row's number in its file.
    - `_graves` (name, observed): the absences that apply, one a name. A name may be in both: absent, then there again.
    - `_losers` (package, row): states that don't apply.

    No DocType's table begins with an underscore. A state applies where nothing of the same document was observed
    later, here or in the tables; of an absence and a state with the same `observed` the absence counts.
    """
    stale_graves = _stage_graves(target, group)
    _stage_documents(target, group)
    overtaken = _find_losers(target)
    if overtaken:
        target.connection.run(
            "DELETE FROM _documents USING _losers "
            "WHERE _documents.package = _losers.package AND _documents.row = _losers.row",
        )
    return Staged(
        documents=target.connection.count("SELECT count(*) FROM _documents"),
        overtaken=overtaken,
        graves=target.connection.count("SELECT count(*) FROM _graves"),
        stale_graves=stale_graves,
    )


def _stage_graves(target: Target, group: Sequence[ReadyPackage]) -> int:
    connection = target.connection
    paths = [package.tombstones.path for package in group if package.tombstones]
    connection.run("CREATE OR REPLACE TEMP TABLE _graves (name VARCHAR, observed TIMESTAMP)")
    if not paths:
        return 0
    connection.run(
        "INSERT INTO _graves SELECT name, max(observed) FROM {files} GROUP BY name",
        files=parquet(paths),
    )
    stale = connection.count(
        "DELETE FROM _graves USING {table} AS stored "
        "WHERE stored.satellite = {satellite} AND stored.name = _graves.name AND stored.observed > _graves.observed",
        **target.parts,
    )
    return stale + connection.count(
        "DELETE FROM _graves USING federation_tombstone AS stored WHERE stored.satellite = {satellite} "
        "AND stored.doctype = {doctype} AND stored.name = _graves.name AND stored.observed >= _graves.observed",
        **target.parts,
    )


def _stage_documents(target: Target, group: Sequence[ReadyPackage]) -> None:
    paths = [package.tables[target.doctype].path for package in group if package.tables]
    target.connection.run(
        "CREATE OR REPLACE TEMP TABLE _documents (name VARCHAR, observed TIMESTAMP, package UBIGINT, row BIGINT)",
    )
    if paths:
        target.connection.run(
            "INSERT INTO _documents SELECT name, observed, file_index, file_row_number FROM {files}",
            files=parquet(paths),
        )


def _find_losers(target: Target) -> int:
    connection = target.connection
    connection.run("CREATE OR REPLACE TEMP TABLE _losers (package UBIGINT, row BIGINT)")
    # A window over all names would need memory for the whole group; few names come more than once. Of those that may,
    # hashes tell in half of the memory that names take.
    connection.run(
        "INSERT INTO _losers SELECT package, row FROM _documents "
        "SEMI JOIN (SELECT hash(name) AS hashed FROM _documents GROUP BY hashed HAVING count(*) > 1) AS repeated "
        "ON repeated.hashed = hash(_documents.name) "
        "QUALIFY row_number() OVER (PARTITION BY name ORDER BY observed DESC, package DESC, row DESC) > 1",
    )
    for later in (
        "_graves AS later ON true",
        "federation_tombstone AS later ON later.satellite = {satellite} AND later.doctype = {doctype}",
        "{table} AS later ON later.satellite = {satellite}",
    ):
        connection.run(
            "INSERT INTO _losers SELECT _documents.package, _documents.row FROM _documents JOIN "
            + later
            + " AND later.name = _documents.name AND later.observed >= _documents.observed",
            **target.parts,
        )
    return connection.count("SELECT count(*) FROM (SELECT DISTINCT package, row FROM _losers)")
