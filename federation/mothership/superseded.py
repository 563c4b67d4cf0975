"""Superseded: documents in quarantine of which the version accepted before still stands in its table."""

from __future__ import annotations

from federation.mothership.sql import Connection, Fragment, identifier


def mark_superseded(connection: Connection, satellite: str, doctype: str, table: Fragment) -> None:
    """Mark the documents in quarantine of which an earlier version stands in the DocType's table.

    It follows from what the two tables hold and from nothing else, so a rebuild ends in the same marks. Costs one
    look-up where nothing is in quarantine.
    """
    ours = {"satellite": satellite, "doctype": doctype}
    where = "WHERE satellite = $satellite AND doctype = $doctype"
    if connection.run(f"SELECT 1 FROM federation_quarantine {where} LIMIT 1", ours):
        connection.run(
            "UPDATE federation_quarantine SET supersedes = CASE WHEN EXISTS (SELECT 1 FROM {table} AS stands "
            "WHERE stands.satellite = federation_quarantine.satellite AND stands.name = federation_quarantine.name) "
            f"THEN 1 ELSE 0 END {where}",
            ours,
            table=table,
        )


def mark_all_superseded(connection: Connection) -> None:
    """Mark what was set aside before such marks were kept."""
    connection.run("UPDATE federation_quarantine SET supersedes = 0 WHERE supersedes IS NULL")
    for satellite, doctype, table in connection.run(
        "SELECT DISTINCT aside.satellite, aside.doctype, given.table_name FROM federation_quarantine AS aside "
        "JOIN federation_table AS given ON given.doctype = aside.doctype"
    ):
        mark_superseded(connection, satellite, doctype, identifier(table))
