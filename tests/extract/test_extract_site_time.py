"""The window of `modified` that a walk reads: whatever was committed since the last one lies in it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import example, given
from hypothesis import strategies as st

from federation.extract.site_time import SiteClock, read_wire_time, window, wire_time

BERLIN, KOLKATA, NEW_YORK = (ZoneInfo(name) for name in ("Europe/Berlin", "Asia/Kolkata", "America/New_York"))
OVERLAP = timedelta(minutes=10)
NIGHT = datetime(2026, 10, 25, tzinfo=UTC)
"""In Berlin the hour from 02:00 comes twice: at 00:00 UTC, and again at 01:00 UTC."""

clocks = st.builds(
    SiteClock,
    st.sampled_from([BERLIN, KOLKATA, NEW_YORK]),
    st.integers(-7200, 7200).map(lambda s: timedelta(seconds=s)),
)
instants = st.integers(-7_000, 14_000).map(lambda minutes: NIGHT + timedelta(minutes=minutes))


@given(then=clocks, now=clocks, begun=instants, hours=st.floats(0, 240), share=st.floats(0, 1), before=st.booleans())
@example(
    then=SiteClock(BERLIN, timedelta(0)), now=SiteClock(BERLIN, timedelta(0)),
    begun=NIGHT + timedelta(minutes=50), hours=1, share=0.5, before=False,
)  # fmt: skip
def test_whatever_was_stamped_since_the_last_walk_lies_in_the_window(
    then: SiteClock, now: SiteClock, begun: datetime, hours: float, share: float, *, before: bool
) -> None:
    """A clock or zone may have been changed at any time in between; DST may have ended."""
    began = begun + timedelta(hours=hours)
    last = window(then, begun, begun=None, bound="", overlap=OVERLAP)
    found = window(now, began, begun=begun, bound=last.bound, overlap=OVERLAP)
    stamped = begun - OVERLAP + share * (began - begun + OVERLAP)
    clock = then if before else now
    assert found.start <= wire_time(clock.local(stamped)) or (before and stamped > begun)
    if not before:
        assert wire_time(clock.local(stamped)) <= found.until


def test_an_hour_that_comes_twice_is_read_twice() -> None:
    clock = SiteClock(BERLIN, timedelta(0))
    first = window(clock, NIGHT + timedelta(minutes=50), begun=None, bound="", overlap=OVERLAP)
    again = window(
        clock, NIGHT + timedelta(minutes=70), begun=NIGHT + timedelta(minutes=50), bound=first.bound, overlap=OVERLAP
    )
    assert first.until.startswith("2026-10-25 02:50")
    assert again.start <= "2026-10-25 02:00:00"
    assert again.until >= "2026-10-25 02:59:59", "stamped before the clock went back, read only now"


def test_a_site_that_stood_still_reads_no_further_back_than_the_overlap() -> None:
    clock = SiteClock(KOLKATA, timedelta(seconds=3))
    begun = datetime(2026, 5, 1, tzinfo=UTC)
    bound = window(clock, begun, begun=None, bound="", overlap=OVERLAP).bound
    found = window(clock, begun + timedelta(hours=1), begun=begun, bound=bound, overlap=OVERLAP)
    assert read_wire_time(found.start) == clock.local(begun) - OVERLAP - timedelta(seconds=2)
    assert found.until == found.bound


def test_a_fraction_of_nought_is_left_out_on_the_wire() -> None:
    assert wire_time(read_wire_time("2026-05-01 10:00:00")) == "2026-05-01 10:00:00.000000"
