"""Zones: a satellite's naive local times as instants in UTC."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from federation.contract.fieldtypes import DATETIME


def to_utc(local: pa.Array, zone: str) -> pa.Array:
    """Return naive local timestamps[us] of an IANA `zone` as naive UTC timestamps[us].

    In the doubled hour at the end of DST the earlier instant is taken, in the skipped hour the first one after it.
    A time zone is a property of the site (System Settings.time_zone), never of a row: Frappe sends none.
    """
    zoned = pc.assume_timezone(local, zone, ambiguous="earliest", nonexistent="latest")
    return zoned.cast(pa.timestamp("us", "UTC")).cast(DATETIME)
