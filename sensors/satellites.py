"""Satellites: keeps the partitions in step with the settings, and reads a satellite as soon as it is added."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import dagster as dg

from assets.jobs import SYNC
from assets.partitions import SATELLITES
from assets.resource import FederationResource
from assets.runs import TRIGGER_TAG
from sensors.in_flight import satellites_in_flight

_SECONDS_BETWEEN_TICKS = 30


@dataclass(frozen=True, slots=True)
class PartitionChanges:
    """What to do to the partitions, each sorted.

    Attributes:
        add: satellites without a partition.
        delete: partitions without a satellite.
        deferred: to be deleted later: Dagster kills a run whose partition goes.
    """

    add: tuple[str, ...] = ()
    delete: tuple[str, ...] = ()
    deferred: tuple[str, ...] = ()


def partition_changes(
    wanted: Collection[str], existing: Collection[str], in_flight: Collection[str]
) -> PartitionChanges:
    """Return what brings the partitions in step.

    Args:
        wanted: satellites that are to be read.
        existing: partitions there are.
        in_flight: satellites with a run that has not ended.
    """
    gone = set(existing) - set(wanted)
    return PartitionChanges(
        add=tuple(sorted(set(wanted) - set(existing))),
        delete=tuple(sorted(gone - set(in_flight))),
        deferred=tuple(sorted(gone & set(in_flight))),
    )


@dg.sensor(
    job_name=SYNC,
    minimum_interval_seconds=_SECONDS_BETWEEN_TICKS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Gives every enabled satellite of the settings its partition, and a new one its first sync.",
)
def satellites(context: dg.SensorEvaluationContext, federation: FederationResource) -> dg.SensorResult | dg.SkipReason:
    """Add and remove partitions as the settings say now."""
    wanted = [satellite.name for satellite in federation.settings().enabled_satellites()]
    existing = SATELLITES.get_partition_keys(dynamic_partitions_store=context.instance)
    changes = partition_changes(wanted, existing, satellites_in_flight(context.instance))
    if not changes.add and not changes.delete:
        waiting = f" {', '.join(changes.deferred)}: removed when its run has ended." if changes.deferred else ""
        return dg.SkipReason(f"The partitions are the {len(wanted)} satellites of the settings.{waiting}")
    return dg.SensorResult(
        run_requests=[dg.RunRequest(partition_key=name, tags={TRIGGER_TAG: "added"}) for name in changes.add],
        dynamic_partitions_requests=[
            SATELLITES.build_add_request(list(changes.add)),
            SATELLITES.build_delete_request(list(changes.delete)),
        ],
    )
