"""Zones: a satellite's naive local times as instants in UTC."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from federation.contract.fieldtypes import DATETIME

_FIRST: Final = pa.scalar(datetime.min, DATETIME)  # noqa: DTZ901 - columns hold UTC naive
_LAST: Final = pa.scalar(datetime.max, DATETIME)  # noqa: DTZ901 - as above


def to_utc(local: pa.Array, zone: str) -> pa.Array:
    """Return naive local timestamps[us] of an IANA `zone` as naive UTC timestamps[us].

    In the doubled hour at the end of DST the earlier instant is taken, in the skipped hour the first one after it.
    An instant outside of the years 1 to 9999, as of 9999-12-31 23:30 in Santiago, is null: no database holds it.
    A time zone is a property of the site (System Settings.time_zone), never of a row: Frappe sends none.
    """
    zoned = pc.assume_timezone(local, zone, ambiguous="earliest", nonexistent="latest")
    utc = zoned.cast(pa.timestamp("us", "UTC")).cast(DATETIME)
    is_held = pc.and_(pc.greater_equal(utc, _FIRST), pc.less_equal(utc, _LAST))
    return pc.if_else(is_held, utc, pa.scalar(None, DATETIME))
