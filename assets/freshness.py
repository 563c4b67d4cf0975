"""Freshness: a check a DocType that tells which satellites are late, from the ledger; no satellite is asked for it.

It looks at all satellites at once and runs by itself: a satellite that is down has no run of its own to say so.
"""

# No `from __future__ import annotations` here: Dagster compares the annotation of `context` with its classes.
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from zoneinfo import ZoneInfo

import dagster as dg

from assets.doctypes import KnownDocType
from assets.resource import FederationResource
from federation.lateness import late_before
from federation.settings.model import Settings

FRESHNESS = "freshness"

_BEFORE_ALL = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Lag:
    """How far one satellite's DocType is behind.

    Attributes:
        as_of: when it was complete (UTC), None where it never was.
        state: fresh; late: a scheduled time has come and gone without it; off: the settings don't read the satellite.
    """

    satellite: str
    as_of: datetime | None
    state: Literal["fresh", "late", "off"]


def freshness_checks(doctypes: Sequence[KnownDocType]) -> dg.AssetChecksDefinition:
    """Return the check `freshness` of every `mothership/<doctype>`, all of them made by one step."""

    @dg.multi_asset_check(
        name="lateness",
        specs=[
            dg.AssetCheckSpec(
                FRESHNESS,
                asset=doctype.key("mothership"),
                description="Every satellite was read to the end within the last whole period of the schedule.",
            )
            for doctype in doctypes
        ],
        can_subset=True,
    )
    def freshness(
        context: dg.AssetCheckExecutionContext, federation: FederationResource
    ) -> Iterator[dg.AssetCheckResult]:
        settings = federation.settings()
        now = datetime.now(UTC)
        as_of = {(row.doctype, row.satellite): row.as_of for row in federation.freshness()}
        known = {doctype.name: doctype.satellites for doctype in federation.doctypes()}
        for doctype in doctypes:
            key = doctype.key("mothership")
            if dg.AssetCheckKey(key, FRESHNESS) in context.selected_asset_check_keys:
                satellites = known.get(doctype.name, ())
                seen = {satellite: as_of.get((doctype.name, satellite)) for satellite in satellites}
                yield _result(key, lags(seen, settings, now), now)

    return freshness


def lags(as_of: Mapping[str, datetime | None], settings: Settings, now: datetime) -> list[Lag]:
    """Return how far each satellite is behind, the one furthest behind first.

    Args:
        as_of: satellite → when it was complete (UTC), None where it never was.
    """
    times = settings.schedules
    oldest = late_before(times.incremental, now, ZoneInfo(times.time_zone))
    enabled = {satellite.name for satellite in settings.enabled_satellites()}
    found = []
    for satellite, seen in as_of.items():
        is_late = seen is None or seen < oldest
        found.append(Lag(satellite, seen, "off" if satellite not in enabled else "late" if is_late else "fresh"))
    return sorted(found, key=lambda lag: (lag.as_of or _BEFORE_ALL, lag.satellite))


def _result(key: dg.AssetKey, found: Sequence[Lag], now: datetime) -> dg.AssetCheckResult:
    late = [lag.satellite for lag in found if lag.state == "late"]
    records = [
        dg.TableRecord(
            {
                "satellite": lag.satellite,
                "as of (UTC)": lag.as_of.isoformat(" ", "seconds") if lag.as_of else "never complete",
                "lag (minutes)": int((now - lag.as_of).total_seconds() // 60) if lag.as_of else None,
                "state": lag.state,
            }
        )
        for lag in found
    ]
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=FRESHNESS,
        passed=not late,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"Late: {', '.join(late)}. Their last run says why." if late else "No satellite is late.",
        metadata={"satellites": dg.MetadataValue.table(records)} if records else {},
    )
