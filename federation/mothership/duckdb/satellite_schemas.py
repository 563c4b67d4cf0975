"""Satellite schemas: what every satellite says of its DocTypes, from which the contracts are folded."""

from __future__ import annotations

import duckdb
import msgspec

from federation.contract.satellite_schema import DocTypeSchema, SatelliteSchema
from federation.mothership.duckdb.sql import run, transaction


def schema_sha256(connection: duckdb.DuckDBPyConnection, satellite: str) -> str:
    """Return which schema of the satellite the tables follow, "" before the first."""
    rows = run(
        connection,
        "SELECT sha256 FROM federation_schema WHERE satellite = $satellite LIMIT 1",
        {"satellite": satellite},
    )
    return str(rows[0][0]) if rows else ""


def write_schema(connection: duckdb.DuckDBPyConnection, schema: SatelliteSchema) -> None:
    """Put a satellite's schema in the place of its earlier one; `confirm_schema` when the tables follow it."""
    with transaction(connection):
        run(
            connection,
            "DELETE FROM federation_schema WHERE satellite = $satellite",
            {"satellite": schema.satellite},
        )
        if schema.doctypes:
            connection.executemany(
                "INSERT INTO federation_schema (satellite, doctype, sha256, schema) VALUES (?, ?, '', ?)",
                [
                    (schema.satellite, doctype, msgspec.json.encode(version).decode())
                    for doctype, version in schema.doctypes.items()
                ],
            )


def confirm_schema(connection: duckdb.DuckDBPyConnection, satellite: str, sha256: str) -> None:
    """Say that the tables follow the satellite's schema: until then a killed run is made up for by the next."""
    said = {"satellite": satellite, "sha256": sha256}
    run(connection, "UPDATE federation_schema SET sha256 = $sha256 WHERE satellite = $satellite", said)


def read_schemas(connection: duckdb.DuckDBPyConnection, doctype: str) -> list[SatelliteSchema]:
    """Return what every satellite says of a DocType and of its child DocTypes, past ones included."""
    found: dict[str, dict[str, DocTypeSchema]] = {}
    wanted = {doctype}
    while wanted:
        rows = run(
            connection,
            "SELECT satellite, schema FROM federation_schema WHERE doctype IN (SELECT unnest($doctypes)) ORDER BY ALL",
            {"doctypes": sorted(wanted)},
        )
        versions = [(satellite, msgspec.json.decode(text, type=DocTypeSchema)) for satellite, text in rows]
        for satellite, version in versions:
            found.setdefault(satellite, {})[version.doctype] = version
        children = {child for _, version in versions for child in (*version.tables.values(), *version.past_tables)}
        wanted = children - {known for doctypes in found.values() for known in doctypes} - wanted
    return [SatelliteSchema(satellite, doctypes) for satellite, doctypes in sorted(found.items())]
