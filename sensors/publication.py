"""Publication: what was merged too soon after the last publication is published as soon as the settings allow."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import dagster as dg

from assets.jobs import PUBLISH
from assets.resource import FederationResource
from federation.merging import PublicationState
from sensors.in_flight import is_in_flight

_SECONDS_BETWEEN_TICKS = 30


def is_due(state: PublicationState, interval: timedelta, now: datetime) -> bool:
    """Return whether analysts may have to be shown something newer now.

    Args:
        state: when was written and when was published.
        interval: least time between two publications.
        now: UTC, with its time zone.
    """
    if state.written_at is None:
        return False
    if state.published_at is None:
        return True
    return state.written_at > state.published_at and now - state.published_at >= interval


@dg.sensor(
    job_name=PUBLISH,
    minimum_interval_seconds=_SECONDS_BETWEEN_TICKS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Publishes what no run has published, because the last publication was too young.",
)
def publication(context: dg.SensorEvaluationContext, federation: FederationResource) -> dg.RunRequest | dg.SkipReason:
    """Ask for a publication once it is due, and once only for what was written last."""
    state = federation.publication()
    interval = timedelta(seconds=federation.settings().publish_seconds)
    if state.written_at is None or not is_due(state, interval, datetime.now(UTC)):
        return dg.SkipReason("Analysts have everything that was merged, or will have it soon.")
    if is_in_flight(context.instance, PUBLISH):
        return dg.SkipReason("A publication is under way.")
    return dg.RunRequest(run_key=state.written_at.isoformat())
