"""Comparison: every document and child row of a simulated site against the mothership, cell by cell."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from federation.contract.names import SATELLITE


@dataclass(frozen=True, slots=True)
class TableDifference:
    """How one table of the mothership differs from one site.

    Attributes:
        doctype: the DocType, own or child.
        rows: rows of the site.
        columns: columns compared.
        missing: rows of the site that the mothership lacks.
        surplus: rows of the mothership that the site lacks.
        differing: rows on both sides with another value in some column.
        examples: names of a few of them.
    """

    doctype: str
    rows: int
    columns: int
    missing: int
    surplus: int
    differing: int
    examples: tuple[str, ...] = ()

    @property
    def same(self) -> bool:
        """The table equals the site's."""
        return not (self.missing or self.surplus or self.differing)


def compare_table(
    truth: pa.Table,
    mothership: duckdb.DuckDBPyConnection,
    table: str,
    satellite: str,
    *,
    doctype: str,
    held_back: Iterable[str],
) -> TableDifference:
    """Compare a site's rows with a table of the mothership.

    Args:
        truth: the site's rows in the wire's form, as `site_documents` gives them.
        mothership: an open connection.
        table: the mothership's table; may be absent where the site has no rows. A column that it lacks counts as null.
        satellite: whose rows of `table` are compared.
        doctype: for the report.
        held_back: columns that the policy drops, hashes or masks, which therefore can't be compared.
    """
    stored = dict(
        mothership.execute(
            "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = ?", [table]
        ).fetchall()
    )
    if not stored:
        return TableDifference(doctype, truth.num_rows, 0, truth.num_rows, 0, 0)
    compared = [name for name in truth.column_names if name not in set(held_back)]
    typed = ", ".join(_typed(truth, name, stored.get(name, "VARCHAR")) for name in compared)
    listed = ", ".join(_quoted(name) if name in stored else f"NULL AS {_quoted(name)}" for name in compared)
    mothership.register("federation_truth", truth)
    try:
        site = f"SELECT {typed} FROM federation_truth"
        here = f"SELECT {listed} FROM {_quoted(table)} WHERE {SATELLITE} = {_literal(satellite)}"
        differences = mothership.execute(
            f"""
            WITH site AS ({site}), here AS ({here}),
                 only_site AS (FROM site EXCEPT ALL FROM here), only_here AS (FROM here EXCEPT ALL FROM site),
                 names AS (
                    SELECT name, bool_or(side = 'site') AS at_site, bool_or(side = 'here') AS at_home FROM (
                        SELECT name, 'site' AS side FROM only_site UNION ALL SELECT name, 'here' FROM only_here
                    ) GROUP BY name
                 )
            SELECT count(*) FILTER (NOT at_home), count(*) FILTER (NOT at_site), count(*) FILTER (at_site AND at_home),
                   (list(name ORDER BY name))[:5]
            FROM names
            """
        ).fetchall()[0]
    finally:
        mothership.unregister("federation_truth")
    missing, surplus, differing, examples = differences
    return TableDifference(
        doctype, truth.num_rows, len(compared), missing, surplus, differing, tuple(map(str, examples or ()))
    )


def _typed(truth: pa.Table, name: str, stored: str) -> str:
    """A float goes through its shortest text, as the site sends it; DuckDB's own cast adds digits."""
    column = _quoted(name)
    if pa.types.is_floating(truth.schema.field(name).type):
        return f"CAST(CAST({column} AS VARCHAR) AS {stored}) AS {column}"
    return f"CAST({column} AS {stored}) AS {column}"


def _quoted(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
