"""Aside: quarantine, tombstones and former names of a group of packages, beside the rows of the documents."""

from __future__ import annotations

from collections.abc import Sequence

from federation.lake.packages import QUARANTINE_SCHEMA
from federation.mothership.duckdb.sql import parquet, quarantine_rows
from federation.mothership.mariadb.bulk import load
from federation.mothership.mariadb.keys import Target, announce, take_back
from federation.mothership.package_files import ReadyPackage
from federation.mothership.sql import column, identifier, listed, literal
from federation.mothership.system_tables import QUARANTINE

_OURS = "held.satellite = {satellite} AND held.doctype = {doctype}"


def record_tombstones(target: Target) -> None:
    """Keep the staged absences; a document that is there again has none any more."""
    for named in ("_graves", "_documents"):
        target.connection.run(
            f"DELETE held FROM {{named}} JOIN federation_tombstone AS held ON {_OURS} AND held.name = {{named}}.name",
            **target.parts,
            named=named,
        )
    target.connection.run(
        "INSERT INTO federation_tombstone (satellite, doctype, name, observed) "
        "SELECT {satellite}, {doctype}, _graves.name, _graves.observed "
        "FROM _graves LEFT JOIN _documents ON _documents.name = _graves.name WHERE _documents.name IS NULL",
        **target.parts,
    )


def record_aliases(target: Target, group: Sequence[ReadyPackage]) -> None:
    """Keep former names of documents; of the same name the one observed last, and then the one that came last."""
    paths = [package.aliases.path for package in group if package.aliases]
    if not paths:
        return
    target.bench.run(
        "CREATE OR REPLACE TABLE _aliases AS SELECT old_name, "
        "arg_max(new_name, (observed, file_index, file_row_number)) AS new_name, max(observed) AS observed "
        "FROM {files} GROUP BY old_name",
        files=parquet(paths),
    )
    rows = target.bench.count("SELECT count(*) FROM _aliases")
    announce(target, "_aliases", ("old_name", "new_name", "observed"), rows=rows)
    same_name = f"FROM _aliases JOIN federation_alias AS held ON {_OURS} AND held.old_name = _aliases.old_name"
    target.connection.run(f"DELETE _aliases {same_name} WHERE held.observed > _aliases.observed", **target.parts)
    target.connection.run(f"DELETE held {same_name}", **target.parts)
    target.connection.run(
        "INSERT INTO federation_alias (satellite, doctype, old_name, new_name, observed) "
        "SELECT {satellite}, {doctype}, old_name, new_name, observed FROM _aliases",
        **target.parts,
    )


def record_quarantine(target: Target, group: Sequence[ReadyPackage]) -> int:
    """Keep what the group set aside, and let go of what a later state or absence settled.

    To be called when the staged documents and absences are in their tables.

    Returns:
        How many documents the group set aside whose state nothing has overtaken.
    """
    for settled in ("_documents", "_graves"):
        target.connection.run(
            f"DELETE held FROM {{settled}} JOIN federation_quarantine AS held ON {_OURS} "
            "AND held.name = {settled}.name WHERE held.observed < {settled}.observed",
            **target.parts,
            settled=settled,
        )
    packages = [package for package in group if package.quarantine]
    files = quarantine_rows(package.quarantine.path for package in packages if package.quarantine)
    if not packages:
        return 0
    target.bench.run(
        "CREATE OR REPLACE TABLE _aside AS "
        "SELECT name, max(observed) AS observed, arg_max(file_index, (observed, file_index)) AS package "
        "FROM {files} GROUP BY name",
        files=files,
    )
    rows = target.bench.count("SELECT count(*) FROM _aside")
    announce(target, "_aside", ("name", "observed"), rows=rows)
    found = target.connection.run(
        "SELECT _aside.name FROM _aside STRAIGHT_JOIN {table} AS later "
        "ON later.satellite = {satellite} AND later.name = _aside.name WHERE later.observed > _aside.observed "
        f"UNION SELECT _aside.name FROM _aside JOIN federation_tombstone AS held ON {_OURS} "
        "AND held.name = _aside.name WHERE held.observed > _aside.observed "
        f"UNION SELECT _aside.name FROM _aside JOIN federation_quarantine AS held ON {_OURS} "
        "AND held.name = _aside.name WHERE held.observed >= _aside.observed",
        **target.parts,
    )
    if found:
        take_back(target, "_aside", [name for (name,) in found])
        target.bench.run("DELETE FROM _aside USING _found WHERE _found.name = _aside.name")
    target.connection.run(
        f"DELETE held FROM _aside JOIN federation_quarantine AS held ON {_OURS} AND held.name = _aside.name",
        **target.parts,
    )
    ids = listed(literal(package.package.id) for package in packages)
    columns = ("satellite", "doctype", "package", *QUARANTINE_SCHEMA.names)
    values = [
        f"{literal(target.satellite)} AS satellite",
        f"{literal(target.doctype)} AS doctype",
        f"list_extract([{ids}], (file_index + 1)::BIGINT) AS package",
        *(f"{column('arrived', name)} AS {identifier(name)}" for name in QUARANTINE_SCHEMA.names),
    ]
    chosen = (
        f"FROM {files} AS arrived SEMI JOIN _aside "
        "ON _aside.name = arrived.name AND _aside.observed = arrived.observed AND _aside.package = arrived.file_index"
    )
    cells = target.bench.count(f"SELECT count(*) {chosen}")
    if cells:
        select = f"SELECT {', '.join(values)} {chosen}"
        load(target.connection, target.bench.raw, select, QUARANTINE.name, columns, rows=cells, replace=False)
    return rows - len(found)


def record_dropped(target: Target, group: Sequence[ReadyPackage]) -> None:
    """Let go of versions that somebody gave up; to be called when what the group set aside is in its table."""
    paths = [package.dropped.path for package in group if package.dropped]
    if not paths:
        return
    target.bench.run(
        "CREATE OR REPLACE TABLE _dropped AS SELECT name, max(observed) AS observed FROM {files} GROUP BY name",
        files=parquet(paths),
    )
    rows = target.bench.count("SELECT count(*) FROM _dropped")
    announce(target, "_dropped", ("name", "observed"), rows=rows)
    target.connection.run(
        f"DELETE held FROM _dropped JOIN federation_quarantine AS held ON {_OURS} AND held.name = _dropped.name "
        "WHERE held.observed <= _dropped.observed",
        **target.parts,
    )
