"""Aside: quarantine, tombstones and former names of a group of packages, beside the rows of the documents."""

from __future__ import annotations

from collections.abc import Sequence

from federation.lake.packages import QUARANTINE_SCHEMA
from federation.mothership.duckdb.sql import parquet, quarantine_rows
from federation.mothership.duckdb.stage import Target
from federation.mothership.package_files import ReadyPackage
from federation.mothership.sql import column, listed, literal


def record_tombstones(target: Target) -> None:
    """Keep the staged absences; a document that is there again has none any more."""
    target.connection.run(
        "DELETE FROM federation_tombstone WHERE satellite = {satellite} AND doctype = {doctype} "
        "AND name IN (SELECT name FROM _graves UNION ALL SELECT name FROM _documents)",
        **target.parts,
    )
    target.connection.run(
        "INSERT INTO federation_tombstone (satellite, doctype, name, observed) "
        "SELECT {satellite}, {doctype}, name, observed FROM _graves ANTI JOIN _documents USING (name)",
        **target.parts,
    )


def record_aliases(target: Target, group: Sequence[ReadyPackage]) -> None:
    """Keep former names of documents; of the same name the one observed last, and then the one that came last."""
    files = parquet(package.aliases.path for package in group if package.aliases)
    if not any(package.aliases for package in group):
        return
    target.connection.run(
        "CREATE OR REPLACE TEMP TABLE _aliases AS SELECT old_name, "
        "arg_max(new_name, (observed, file_index, file_row_number)) AS new_name, max(observed) AS observed "
        "FROM {files} GROUP BY old_name",
        files=files,
    )
    target.connection.run(
        "DELETE FROM _aliases USING federation_alias AS held WHERE held.satellite = {satellite} "
        "AND held.doctype = {doctype} AND held.old_name = _aliases.old_name AND held.observed > _aliases.observed",
        **target.parts,
    )
    target.connection.run(
        "DELETE FROM federation_alias WHERE satellite = {satellite} AND doctype = {doctype} "
        "AND old_name IN (SELECT old_name FROM _aliases)",
        **target.parts,
    )
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
    connection, parts = target.connection, target.parts
    connection.run(
        "DELETE FROM federation_quarantine AS held "
        "USING (SELECT name, observed FROM _documents UNION ALL SELECT name, observed FROM _graves) AS settled "
        "WHERE held.satellite = {satellite} AND held.doctype = {doctype} AND held.name = settled.name "
        "AND held.observed < settled.observed",
        **parts,
    )
    packages = [package for package in group if package.quarantine]
    files = quarantine_rows(package.quarantine.path for package in packages if package.quarantine)
    if not packages:
        return 0
    connection.run(
        "CREATE OR REPLACE TEMP TABLE _aside AS "
        "SELECT name, max(observed) AS observed, arg_max(file_index, (observed, file_index)) AS package "
        "FROM {files} GROUP BY name",
        files=files,
    )
    ours = "later.satellite = {satellite} AND later.doctype = {doctype}"
    for later in (
        "{table} AS later WHERE later.satellite = {satellite} AND later.observed > _aside.observed",
        f"federation_tombstone AS later WHERE {ours} AND later.observed > _aside.observed",
        f"federation_quarantine AS later WHERE {ours} AND later.observed >= _aside.observed",
    ):
        connection.run("DELETE FROM _aside USING " + later + " AND later.name = _aside.name", **parts)
    connection.run(
        "DELETE FROM federation_quarantine WHERE satellite = {satellite} AND doctype = {doctype} "
        "AND name IN (SELECT name FROM _aside)",
        **parts,
    )
    ids = listed(literal(package.package.id) for package in packages)
    connection.run(
        "INSERT INTO federation_quarantine (satellite, doctype, package, {columns}) "
        "SELECT {satellite}, {doctype}, list_extract([{ids}], (file_index + 1)::BIGINT), {values} "
        "FROM {files} AS arrived SEMI JOIN _aside "
        "ON _aside.name = arrived.name AND _aside.observed = arrived.observed AND _aside.package = arrived.file_index",
        **parts,
        ids=ids,
        files=files,
        columns=QUARANTINE_SCHEMA.names,
        values=listed(column("arrived", name) for name in QUARANTINE_SCHEMA.names),
    )
    return connection.count("SELECT count(*) FROM _aside")


def record_dropped(target: Target, group: Sequence[ReadyPackage]) -> None:
    """Let go of versions that somebody gave up; to be called when what the group set aside is in its table."""
    files = parquet(package.dropped.path for package in group if package.dropped)
    if any(package.dropped for package in group):
        target.connection.run(
            "DELETE FROM federation_quarantine AS held USING {files} AS dropped WHERE held.satellite = {satellite} "
            "AND held.doctype = {doctype} AND held.name = dropped.name AND held.observed <= dropped.observed",
            **target.parts,
            files=files,
        )
