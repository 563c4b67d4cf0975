"""Freshness: how fresh and how whole each DocType of each satellite is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from federation.mothership.interface import Freshness
from federation.mothership.ledger import count_generation
from federation.mothership.plan import DocTypePlan
from federation.mothership.sql import Connection, Fragment, aware_utc, naive_utc
from federation.mothership.tables import StoredTable


@dataclass(frozen=True, slots=True)
class Extent:
    """What a table holds of one satellite.

    Attributes:
        rows: documents.
        last_change: the newest `modified` of them, naive and in UTC; None without documents or without the column.
    """

    rows: int
    last_change: datetime | None


def measure(connection: Connection, satellite: str, table: StoredTable) -> Extent:
    """Return what a table holds of a satellite, by reading all of its rows."""
    newest = "max(modified_utc)" if "modified_utc" in table.columns else "NULL"
    rows, last_change = connection.run(
        "SELECT count(*), {newest} FROM {table} WHERE satellite = $satellite",
        {"satellite": satellite},
        table=table.sql,
        newest=Fragment(newest),
    )[0]
    return Extent(int(rows), last_change)


def write_freshness(connection: Connection, satellite: str, plan: DocTypePlan, extent: Extent, now: datetime) -> None:
    """Say how fresh and how whole a DocType is after its packages are merged."""
    key = {"satellite": satellite, "doctype": plan.doctype}
    connection.run("DELETE FROM federation_freshness WHERE satellite = $satellite AND doctype = $doctype", key)
    connection.run(
        "INSERT INTO federation_freshness "
        "(satellite, doctype, as_of, {rows}, pending, waiting, quarantined, last_change, merged_at, compared_at) "
        "SELECT $satellite, $doctype, $as_of, $rows, $pending, $waiting, count(DISTINCT name), $last_change, $now, "
        "$compared_at "
        "FROM federation_quarantine WHERE satellite = $satellite AND doctype = $doctype",
        {
            **key,
            "as_of": naive_utc(plan.as_of),
            "rows": extent.rows,
            "pending": plan.pending,
            "waiting": plan.waiting,
            "last_change": extent.last_change,
            "now": naive_utc(now),
            "compared_at": naive_utc(plan.compared_at),
        },
        rows="rows",
    )


def refresh(connection: Connection, satellite: str, plans: Iterable[DocTypePlan]) -> None:
    """Move the freshness of DocTypes that had nothing to merge, all in one transaction."""
    known = {row.doctype: row for row in read_freshness(connection, satellite)}
    changed = [plan for plan in plans if _is_news(plan, known.get(plan.doctype))]
    if not changed:
        return
    with connection.transaction():
        for plan in changed:
            said = {
                "as_of": naive_utc(plan.as_of),
                "pending": plan.pending,
                "waiting": plan.waiting,
                "compared_at": naive_utc(plan.compared_at),
            }
            key = {"satellite": satellite, "doctype": plan.doctype}
            if plan.doctype in known:
                connection.run(
                    "UPDATE federation_freshness SET as_of = $as_of, pending = $pending, waiting = $waiting, "
                    "compared_at = $compared_at WHERE satellite = $satellite AND doctype = $doctype",
                    {**key, **said},
                )
            else:
                connection.run(
                    "INSERT INTO federation_freshness (satellite, doctype, as_of, {rows}, pending, waiting, "
                    "quarantined, compared_at) "
                    "VALUES ($satellite, $doctype, $as_of, 0, $pending, $waiting, 0, $compared_at)",
                    {**key, **said},
                    rows="rows",
                )
        count_generation(connection)


def read_freshness(connection: Connection, satellite: str | None = None) -> list[Freshness]:
    """Return the freshness of every satellite, or of one, and DocType, in this order; instants are aware, in UTC."""
    rows = connection.run(
        "SELECT satellite, doctype, as_of, {rows}, pending, waiting, quarantined, last_change, merged_at, compared_at "
        "FROM federation_freshness WHERE $satellite IS NULL OR satellite = $satellite ORDER BY satellite, doctype",
        {"satellite": satellite},
        rows="rows",
    )
    return [
        Freshness(
            satellite,
            doctype,
            aware_utc(as_of),
            held,
            pending,
            waiting,
            aside,
            aware_utc(last),
            aware_utc(merged),
            aware_utc(compared),
        )
        for satellite, doctype, as_of, held, pending, waiting, aside, last, merged, compared in rows
    ]


def _is_news(plan: DocTypePlan, known: Freshness | None) -> bool:
    if known is None:
        return plan.as_of is not None or plan.waiting > 0
    said = (known.as_of, known.pending, known.waiting, known.compared_at)
    return (plan.as_of, plan.pending, plan.waiting, plan.compared_at) != said
