"""Held: what waits on the lakes until somebody releases it, and why, as the mothership tells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from federation.mothership.interface import Readable
from federation.mothership.ledger import count_generation
from federation.mothership.plan import DocTypePlan
from federation.mothership.sql import Connection, naive_utc
from federation.mothership.system_tables import HELD

_COLUMNS = tuple(column.name for column in HELD.columns)


@dataclass(frozen=True, slots=True)
class Held:
    """An expectation for which nothing of a DocType of a satellite is merged.

    Attributes:
        rule: Great Expectations' name of it.
        fieldname: the Frappe field.
        reason: the rule for a reader.
        failing: how many rows don't meet it.
        documents: how many of the DocType wait on the lake.
        since: when the first of what is held back was read (UTC).
    """

    satellite: str
    doctype: str
    rule: str
    fieldname: str
    reason: str
    failing: int
    documents: int
    since: datetime


def write_held(connection: Connection, satellite: str, plans: Iterable[DocTypePlan]) -> None:
    """Say what of a satellite is held back, where that changed."""
    held = [each for plan in plans for each in _held(satellite, plan)]
    if held == read_held(connection, satellite):
        return
    with connection.transaction():
        connection.run("DELETE FROM federation_held WHERE satellite = $satellite", {"satellite": satellite})
        if held:
            rows = [
                (
                    each.satellite,
                    each.doctype,
                    each.rule,
                    each.fieldname,
                    each.reason,
                    each.failing,
                    each.documents,
                    naive_utc(each.since),
                )
                for each in held
            ]
            connection.insert(HELD.name, _COLUMNS, rows)
        count_generation(connection)


def read_held(connection: Connection, satellite: str | None = None) -> list[Held]:
    """Return what is held back, of every satellite or of one, by satellite, DocType, rule and field."""
    rows = connection.run(
        "SELECT {columns} FROM federation_held WHERE $satellite IS NULL OR satellite = $satellite",
        {"satellite": satellite},
        columns=_COLUMNS,
    )
    return _sorted(dict(zip(_COLUMNS, row, strict=True)) for row in rows)


def held_in(mothership: Readable) -> list[Held]:
    """Return what is held back, as a mothership tells; nothing where an earlier version made it."""
    made = mothership.query(f"SELECT 1 FROM information_schema.tables WHERE table_name = '{HELD.name}'").read_all()
    if not made.num_rows:
        return []
    return _sorted(mothership.query(f"SELECT {', '.join(_COLUMNS)} FROM {HELD.name}").read_all().to_pylist())


def _held(satellite: str, plan: DocTypePlan) -> Iterator[Held]:
    failing: Counter[tuple[str, str, str]] = Counter()
    for committed in plan.held:
        for breach in committed.package.hold.breaches if committed.package.hold else ():
            failing[breach.rule, breach.fieldname, breach.reason] += breach.failing
    for (rule, fieldname, reason), rows in sorted(failing.items()):
        since = min(committed.package.observed_from for committed in plan.held)
        yield Held(satellite, plan.doctype, rule, fieldname, reason, rows, plan.waiting, since)


def _sorted(rows: Iterable[dict[str, Any]]) -> list[Held]:
    found = (Held(**(row | {"since": row["since"].replace(tzinfo=UTC)})) for row in rows)
    return sorted(found, key=_place)


def _place(held: Held) -> tuple[str, ...]:
    return (held.satellite, held.doctype, held.rule, held.fieldname, held.reason)
