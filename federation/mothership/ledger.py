"""Ledger: which packages are merged, and up to which commit a log is settled."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from federation.lake.history import Committed
from federation.mothership.sql import Connection, naive_utc
from federation.mothership.system_tables import CURSOR, LEDGER


def read_cursor(connection: Connection, satellite: str, source: str) -> int:
    """Return the commit up to which the log is settled, 0 before the first."""
    rows = connection.run(
        "SELECT seq FROM federation_cursor WHERE satellite = $satellite AND source = $source",
        {"satellite": satellite, "source": source},
    )
    return int(rows[0][0]) if rows else 0


def write_cursor(connection: Connection, satellite: str, source: str, seq: int) -> None:
    """Move the cursor; killed in between, it reads as 0 and the ledger still knows what is merged."""
    log = {"satellite": satellite, "source": source}
    connection.run("DELETE FROM federation_cursor WHERE satellite = $satellite AND source = $source", log)
    connection.insert(CURSOR.name, ("satellite", "source", "seq"), [(satellite, source, seq)])


def merged_packages(
    connection: Connection, satellite: str, source: str, after: int, doctype: str | None = None
) -> frozenset[str]:
    """Return the ids of the packages in the ledger, of one DocType or all, that were committed later than `after`."""
    rows = connection.run(
        "SELECT package FROM federation_ledger WHERE satellite = $satellite AND source = $source AND seq > $after "
        "AND ($doctype IS NULL OR doctype = $doctype)",
        {"satellite": satellite, "source": source, "after": after, "doctype": doctype},
    )
    return frozenset(package for (package,) in rows)


def write_ledger(
    connection: Connection, satellite: str, source: str, packages: Sequence[Committed], now: datetime
) -> None:
    """Write that packages are merged; to be called in the transaction that merges them."""
    connection.insert(
        LEDGER.name,
        [column.name for column in LEDGER.columns],
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


def count_generation(connection: Connection) -> None:
    """Say that the transaction changes something that analysts should see."""
    connection.run("UPDATE federation_meta SET generation = generation + 1")
