"""Treatments: how the policy treated the rows that stand in the tables, and which DocTypes must be merged anew for it.

A rule that changes, for the lake or for the mothership alone, changes what rows of before may hold, or lack. Then all
that the mothership has of the DocType and the satellite goes, and the packages of the lake are merged again, in one
transaction, each with what is permitted of it: live tables are what a rebuild would make of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from federation.lake.log import CommitLog
from federation.lake.manifest import Manifest
from federation.lake.schemas import read_schema
from federation.mothership.interface import FieldPolicy
from federation.mothership.permitted import Permission, permission_of
from federation.mothership.sql import Connection
from federation.mothership.system_tables import (
    ALIAS,
    FRESHNESS,
    LEDGER,
    QUARANTINE,
    TOMBSTONE,
    TREATMENT,
)
from federation.mothership.tables import StoredTable


def permissions(log: CommitLog, newest: Manifest | None, policy: FieldPolicy) -> dict[str, Permission]:
    """Return what is permitted of each DocType of a satellite that was ever read.

    Raises:
        LakeError: the satellite's schema can't be read.
    """
    if newest is None or not newest.schema:
        return {}
    schema = read_schema(log.folder, newest.schema)
    return {
        doctype: permission_of(schema, doctype, state, policy)
        for doctype, state in newest.doctypes.items()
        if doctype in schema.doctypes
    }


def read_treatments(connection: Connection, satellite: str) -> dict[str, dict[str, str]]:
    """Return DocType → field → treatment, of the rows that stand."""
    rows = connection.run(
        "SELECT doctype, treatments FROM federation_treatment WHERE satellite = $satellite", {"satellite": satellite}
    )
    return {doctype: json.loads(text) for doctype, text in rows}


def write_treatments(connection: Connection, satellite: str, doctype: str, treatments: Mapping[str, str]) -> None:
    """Remember how the rows are treated; to be called in the transaction that merges them."""
    key = {"satellite": satellite, "doctype": doctype}
    connection.run("DELETE FROM federation_treatment WHERE satellite = $satellite AND doctype = $doctype", key)
    text = json.dumps(treatments, sort_keys=True)
    connection.insert(TREATMENT.name, ("satellite", "doctype", "treatments"), [(satellite, doctype, text)])


def treated_otherwise(connection: Connection, satellite: str, now: Mapping[str, Permission]) -> Iterator[str]:
    """Yield the DocTypes with rows that were treated otherwise than today's policy says.

    Fields that came since are no reason: no row that was merged before has them. Rows that were merged by a version of
    ours that didn't remember may be treated in any way.
    """
    stand = read_treatments(connection, satellite)
    merged = {
        doctype
        for (doctype,) in connection.run(
            "SELECT DISTINCT doctype FROM federation_ledger WHERE satellite = $satellite", {"satellite": satellite}
        )
    } if now.keys() - stand.keys() else set()  # fmt: skip
    for doctype, permission in now.items():
        if doctype in stand:
            before = stand[doctype]
            if any(before.get(name, treatment) != treatment for name, treatment in permission.treatments.items()):
                yield doctype
        elif doctype in merged and any(permission.treatments.values()):
            yield doctype


def clear(connection: Connection, satellite: str, doctype: str, tables: tuple[StoredTable, ...]) -> None:
    """Take away all that the mothership has of a DocType of a satellite; to be called in the transaction of a merge.

    Args:
        connection: the database.
        satellite: whose documents they are.
        doctype: theirs.
        tables: the DocType's, then those of its child DocTypes.
    """
    key = {"satellite": satellite, "doctype": doctype}
    parent, *children = tables
    connection.run("DELETE FROM {table} WHERE satellite = $satellite", {"satellite": satellite}, table=parent.sql)
    for child in children:
        statement = "DELETE FROM {table} WHERE satellite = $satellite AND parenttype = $doctype"
        connection.run(statement, key, table=child.sql)
    for system in (LEDGER, TOMBSTONE, QUARANTINE, ALIAS, FRESHNESS):
        statement = "DELETE FROM {table} WHERE satellite = $satellite AND doctype = $doctype"
        connection.run(statement, key, table=system.name)
