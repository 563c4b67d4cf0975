"""Satellite schemas: what every satellite says of its DocTypes, from which the contracts are folded."""

from __future__ import annotations

import msgspec

from federation.contract.satellite_schema import DocTypeSchema, SatelliteSchema
from federation.mothership.sql import Connection, listed, literal
from federation.mothership.system_tables import SCHEMA


def schema_sha256(connection: Connection, satellite: str) -> str:
    """Return which schema of the satellite the tables follow, "" before the first."""
    rows = connection.run(
        "SELECT sha256 FROM federation_schema WHERE satellite = $satellite LIMIT 1", {"satellite": satellite}
    )
    return str(rows[0][0]) if rows else ""


def write_schema(connection: Connection, schema: SatelliteSchema) -> None:
    """Put a satellite's schema in the place of its earlier one; `confirm_schema` when the tables follow it.

    To be called in a transaction.
    """
    connection.run("DELETE FROM federation_schema WHERE satellite = $satellite", {"satellite": schema.satellite})
    if schema.doctypes:
        connection.insert(
            SCHEMA.name,
            ("satellite", "doctype", "sha256", "schema"),
            [
                (schema.satellite, doctype, "", msgspec.json.encode(version).decode())
                for doctype, version in schema.doctypes.items()
            ],
        )


def confirm_schema(connection: Connection, satellite: str, sha256: str) -> None:
    """Say that the tables follow the satellite's schema: until then a killed run is made up for by the next."""
    said = {"satellite": satellite, "sha256": sha256}
    connection.run("UPDATE federation_schema SET sha256 = $sha256 WHERE satellite = $satellite", said)


def read_schemas(connection: Connection, doctype: str) -> list[SatelliteSchema]:
    """Return what every satellite says of a DocType and of its child DocTypes, past ones included."""
    found: dict[str, dict[str, DocTypeSchema]] = {}
    wanted = {doctype}
    while wanted:
        rows = connection.run(
            "SELECT satellite, {schema} FROM federation_schema WHERE doctype IN ({doctypes}) "
            "ORDER BY satellite, doctype",
            schema="schema",
            doctypes=listed(map(literal, sorted(wanted))),
        )
        versions = [(satellite, msgspec.json.decode(text, type=DocTypeSchema)) for satellite, text in rows]
        for satellite, version in versions:
            found.setdefault(satellite, {})[version.doctype] = version
        children = {child for _, version in versions for child in (*version.tables.values(), *version.past_tables)}
        wanted = children - {known for doctypes in found.values() for known in doctypes} - wanted
    return [SatelliteSchema(satellite, doctypes) for satellite, doctypes in sorted(found.items())]
