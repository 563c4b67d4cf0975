"""In flight: which satellites have a run that waits or works."""

from __future__ import annotations

from typing import Final

import dagster as dg

PARTITION_TAG: Final = "dagster/partition"
"""Dagster puts it on every run of a partition; `dagster.yaml` limits runs by it."""

_NOT_ENDED: Final = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def satellites_in_flight(instance: dg.DagsterInstance, job: str | None = None) -> frozenset[str]:
    """Return the satellites with a run that has not ended: of one job, or of any."""
    runs = instance.get_runs(dg.RunsFilter(job_name=job, statuses=_NOT_ENDED))
    return frozenset(run.tags[PARTITION_TAG] for run in runs if PARTITION_TAG in run.tags)


def is_in_flight(instance: dg.DagsterInstance, job: str) -> bool:
    """Return whether a run of the job waits or works."""
    return instance.get_runs_count(dg.RunsFilter(job_name=job, statuses=_NOT_ENDED)) > 0
