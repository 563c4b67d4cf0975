"""Schedules: each satellite is read hourly for what changed, and nightly as a whole; one run a satellite."""

from __future__ import annotations

from collections.abc import Collection

import dagster as dg

from assets.jobs import FRESHNESS, INTEGRITY, RECONCILE, SYNC
from assets.partitions import SATELLITES
from assets.resource import FederationResource
from assets.runs import TRIGGER_TAG
from federation.settings.model import Schedules
from sensors.in_flight import satellites_in_flight


def satellites_due(wanted: Collection[str], partitions: Collection[str], in_flight: Collection[str]) -> tuple[str, ...]:
    """Return the satellites to read now, sorted.

    Args:
        wanted: satellites that are to be read.
        partitions: those that have a partition; a new one gets it from the sensor, with its first run.
        in_flight: those whose run has not ended; one more each time would fill the queue behind a slow satellite.
    """
    return tuple(sorted((set(wanted) & set(partitions)) - set(in_flight)))


def schedules(times: Schedules) -> list[dg.ScheduleDefinition]:
    """Return the schedules, at the times that the settings state."""

    @dg.schedule(
        name="incremental",
        job_name=SYNC,
        cron_schedule=times.incremental,
        execution_timezone=times.time_zone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Reads what changed on every satellite. One whose last run has not ended waits for the next time.",
    )
    def incremental(
        context: dg.ScheduleEvaluationContext, federation: FederationResource
    ) -> list[dg.RunRequest] | dg.SkipReason:
        return _one_run_each(context, federation, "incremental", satellites_in_flight(context.instance))

    @dg.schedule(
        name="reconcile",
        job_name=RECONCILE,
        cron_schedule=times.reconcile,
        execution_timezone=times.time_zone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Walks every DocType of every satellite: finds silent changes, renames and deletions.",
    )
    def reconcile(
        context: dg.ScheduleEvaluationContext, federation: FederationResource
    ) -> list[dg.RunRequest] | dg.SkipReason:
        # It waits behind an incremental run of the same satellite: else a busy satellite would never be reconciled.
        return _one_run_each(context, federation, "reconcile", satellites_in_flight(context.instance, RECONCILE))

    freshness = dg.ScheduleDefinition(
        name="freshness",
        job_name=FRESHNESS,
        cron_schedule=times.incremental,
        execution_timezone=times.time_zone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Looks into the ledger for satellites that are late.",
    )
    integrity = dg.ScheduleDefinition(
        name="integrity",
        job_name=INTEGRITY,
        cron_schedule=times.reconcile,
        execution_timezone=times.time_zone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Holds the mothership's rows against each other: links, vouchers, totals.",
    )
    return [incremental, reconcile, freshness, integrity]


def _one_run_each(
    context: dg.ScheduleEvaluationContext, federation: FederationResource, trigger: str, in_flight: Collection[str]
) -> list[dg.RunRequest] | dg.SkipReason:
    wanted = [satellite.name for satellite in federation.settings().enabled_satellites()]
    due = satellites_due(wanted, SATELLITES.get_partition_keys(dynamic_partitions_store=context.instance), in_flight)
    if not due:
        return dg.SkipReason("No satellite is due: they have no partition yet, or their last run has not ended.")
    tick = context.scheduled_execution_time.isoformat()
    return [
        dg.RunRequest(run_key=f"{satellite}@{tick}", partition_key=satellite, tags={TRIGGER_TAG: trigger})
        for satellite in due
    ]
