"""Columns of generated rows: how instants, amounts and names become the site's wire form, a whole column at a time."""

from __future__ import annotations

from datetime import UTC
from functools import cache
from typing import TYPE_CHECKING, TypeAlias
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime, timedelta

    from federation.demo.site.store import SiteStore

Instants: TypeAlias = NDArray[np.datetime64]
"""Instants in UTC, microseconds."""
Dates: TypeAlias = NDArray[np.datetime64]
"""Days on the site's calendar."""
Integers: TypeAlias = NDArray[np.int64]
Flags: TypeAlias = NDArray[np.bool_]
Texts: TypeAlias = NDArray[np.object_]

_BASE_32 = np.frombuffer(b"0123456789abcdefghijklmnopqrstuv", dtype=np.uint8)
_FRACTION_AT = len("2026-01-31 12:00:00")
_SECOND = 1_000_000


def texts(values: Iterable[object]) -> Texts:
    """A column of texts (or nulls) that can be picked from by index."""
    items = list(values)
    column = np.empty(len(items), dtype=object)
    column[:] = items
    return column


def money(cents: Integers) -> NDArray[np.float64]:
    """Amounts in currency units; exact to the cent."""
    return cents / 100


def spans(starts: Integers, counts: Integers) -> Integers:
    """The indices start, start + 1, … of every span, one span after the other."""
    before = np.cumsum(counts) - counts
    return np.repeat(starts - before, counts) + np.arange(counts.sum())


def pick(options: Sequence[object], count: int, rng: np.random.Generator) -> Texts:
    """One of the options for each of `count` rows, all equally likely."""
    return texts(options)[rng.integers(0, len(options), count)]


def only(flags: Flags, values: Texts | str | None) -> Texts:
    """The values where the flags are set, null elsewhere."""
    column = np.full(len(flags), None, dtype=object)
    column[flags] = values[flags] if isinstance(values, np.ndarray) else values
    return column


def wire_dates(days: Dates) -> list[str]:
    """Frappe's Date text."""
    days_text: list[str] = np.datetime_as_string(days, unit="D").tolist()
    return days_text


class LocalTime:
    """The site's wall clock: turns instants into what Frappe stores, the doubled hour of autumn included."""

    def __init__(self, time_zone: str) -> None:
        self._zone = ZoneInfo(time_zone)
        self._offset = cache(self._look_up_offset)

    def utc(self, local: datetime) -> np.datetime64:
        """The instant of a naive local time."""
        return np.datetime64(local.replace(tzinfo=self._zone).astimezone(UTC).replace(tzinfo=None), "us")

    def of(self, instants: Instants) -> Instants:
        """Naive local times. Offsets are looked up once an hour of history: they change on full hours UTC only."""
        hours, inverse = np.unique(instants.astype("datetime64[h]"), return_inverse=True)
        offsets = np.array([self._offset(hour) for hour in hours.tolist()], dtype="timedelta64[us]")
        local: Instants = instants + offsets[inverse]
        return local

    def opening(self, instant: np.datetime64) -> np.timedelta64:
        """How long after midnight UTC the site's working day begins, at nine by its clock around `instant`."""
        shift: np.timedelta64 = self.of(np.array([instant]))[0] - instant
        return np.timedelta64(9, "h") - shift

    def dates(self, instants: Instants) -> Dates:
        """The local day of every instant."""
        return self.of(instants).astype("datetime64[D]")

    def times(self, instants: Instants) -> list[str]:
        """Frappe's Time text, "8:07:5.25": hours unpadded, fractional seconds not padded either [e_types/41]."""
        since_midnight = (self.of(instants) - self.dates(instants)).astype(np.int64)
        minutes, microseconds = np.divmod(since_midnight, 60 * _SECOND)
        seconds = [us / _SECOND if us % _SECOND else us // _SECOND for us in microseconds.tolist()]
        times = zip(minutes.tolist(), seconds, strict=True)
        return [f"{minute // 60}:{minute % 60:02}:{second:02}" for minute, second in times]

    def wire(self, instants: Instants) -> list[str]:
        """Frappe's Datetime text: local, without the fraction where it is zero."""
        local = self.of(instants)
        stamps = np.datetime_as_string(local, unit="us")
        stamps.view("U1").reshape(len(local), -1)[:, 10] = " "
        wire: list[str] = stamps.tolist()
        for whole in np.flatnonzero(local.astype(np.int64) % _SECOND == 0).tolist():  # few, and texts of another length
            wire[whole] = wire[whole][:_FRACTION_AT]
        return wire

    def _look_up_offset(self, hour: datetime) -> timedelta | None:
        return hour.replace(tzinfo=UTC).astimezone(self._zone).utcoffset()


class Names:
    """Gives out document names: random ones, and numbers of naming series, each once."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._given = 0
        self._last: dict[str, int] = {}

    def random(self, count: int) -> list[str]:
        """Names of child rows, as Frappe 15 makes them: ten letters, of which the first seven rise."""
        rising = np.arange(self._given, self._given + count, dtype=np.int64) + (8 << 30)
        self._given += count
        numbers = (rising << 15) | self._rng.integers(0, 1 << 15, count)
        shifts = np.arange(45, -1, -5)
        letters = _BASE_32[(numbers[:, None] >> shifts) & 31]
        names: list[str] = letters.view("S10").ravel().astype("U10").tolist()
        return names

    def temporary(self, count: int) -> list[str]:
        """Names of ledger rows that the hourly job has not named yet: ten hexadecimal digits [f_deletions/35]."""
        names = self._rng.choice(1 << 40, count, replace=False)
        return [f"{number:010x}" for number in names.tolist()]

    def numbered(self, series: str, instants: Instants) -> Texts:
        """The next names of a series such as `ACC-SINV-.YYYY.-`, in the order given; local `instants` tell the year."""
        years = instants.astype("datetime64[Y]").astype(np.int64) + 1970
        names = np.empty(len(years), dtype=object)
        for year in np.unique(years).tolist():
            members = np.flatnonzero(years == year)
            prefix = series.replace(".YYYY.", str(year))
            first = self._last.get(prefix, 0) + 1
            names[members] = [f"{prefix}{number:05}" for number in range(first, first + len(members))]
            self._last[prefix] = first + len(members) - 1
        return names

    def remember(self, store: SiteStore) -> None:
        """Let the site's own naming go on after the numbers given out here."""
        for prefix, last in self._last.items():
            store.set_series(prefix, last)
