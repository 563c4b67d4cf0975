"""Ledger: which packages are merged, and up to which commit a log is settled."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import duckdb

from federation.lake.history import Committed
from federation.mothership.duckdb.sql import naive_utc, run


def read_cursor(connection: duckdb.DuckDBPyConnection, satellite: str, source: str) -> int:
    """Return the commit up to which the log is settled, 0 before the first."""
    rows = run(
        connection,
        "SELECT seq FROM federation_cursor WHERE satellite = $satellite AND source = $source",
        {"satellite": satellite, "source": source},
    )
    return int(rows[0][0]) if rows else 0


def write_cursor(connection: duckdb.DuckDBPyConnection, satellite: str, source: str, seq: int) -> None:
    """Move the cursor."""
    log = {"satellite": satellite, "source": source}
    run(connection, "DELETE FROM federation_cursor WHERE satellite = $satellite AND source = $source", log)
    run(connection, "INSERT INTO federation_cursor VALUES ($satellite, $source, $seq)", {**log, "seq": seq})


def merged_packages(connection: duckdb.DuckDBPyConnection, satellite: str, source: str, after: int) -> frozenset[str]:
    """Return the ids of the packages in the ledger that were committed later than `after`."""
    rows = run(
        connection,
        "SELECT package FROM federation_ledger WHERE satellite = $satellite AND source = $source AND seq > $after",
        {"satellite": satellite, "source": source, "after": after},
    )
    return frozenset(package for (package,) in rows)


def write_ledger(
    connection: duckdb.DuckDBPyConnection, satellite: str, source: str, packages: Sequence[Committed], now: datetime
) -> None:
    """Write that packages are merged; to be called in the transaction that merges them."""
    connection.executemany(
        "INSERT INTO federation_ledger (satellite, doctype, package, source, seq, run_id, documents, tombstones, "
        "quarantined, merged_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                satellite,
                one.package.doctype,
                one.package.id,
                source,
                one.seq,
                one.package.id.partition("/")[0],
                one.package.documents,
                one.package.tombstones,
                one.package.quarantined,
                naive_utc(now),
            )
            for one in packages
        ],
    )


def count_generation(connection: duckdb.DuckDBPyConnection) -> None:
    """Say that the transaction changes something that analysts should see."""
    run(connection, "UPDATE federation_meta SET generation = generation + 1")
