"""Schedules: one run a satellite, at the times of the settings."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.resource import FederationResource
from sensors.schedules import satellites_due

Tick = Callable[[str], Any]
_names = st.sets(st.sampled_from(["north", "south", "east", "west"]))
_NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def tick(definitions: dg.Definitions, instance: dg.DagsterInstance, federation: FederationResource) -> Tick:
    repository = definitions.get_repository_def()

    def tick(schedule: str) -> Any:
        with dg.build_schedule_context(
            instance=instance,
            instance_ref=instance.get_ref(),
            repository_def=repository,
            resources={"federation": federation},
            scheduled_execution_time=_NOON,
        ) as context:
            return repository.get_schedule_def(schedule).evaluate_tick(context)

    return tick


@given(_names, _names, _names)
def test_due_are_satellites_with_a_partition_whose_run_has_ended(wanted, partitions, in_flight):
    due = satellites_due(wanted, partitions, in_flight)
    assert list(due) == sorted(due)
    assert set(due) == {name for name in wanted if name in partitions and name not in in_flight}


def test_each_satellite_gets_a_run_of_its_own(tick, instance):
    instance.add_dynamic_partitions("satellite", ["north", "south"])
    requests = tick("incremental").run_requests
    assert [(run.run_key, run.tags["dagster/partition"], run.tags["federation/trigger"]) for run in requests] == [
        ("north@2026-11-23T12:00:00+00:00", "north", "incremental"),
        ("south@2026-11-23T12:00:00+00:00", "south", "incremental"),
    ]


def test_a_satellite_whose_run_has_not_ended_is_left_out(tick, instance, start_run):
    instance.add_dynamic_partitions("satellite", ["north", "south"])
    start_run("south", job="sync")
    assert [run.partition_key for run in tick("incremental").run_requests] == ["north"]


def test_the_nightly_run_waits_behind_an_hourly_one_and_is_not_lost(tick, instance, start_run):
    instance.add_dynamic_partitions("satellite", ["north", "south"])
    start_run("south", job="sync")
    assert [run.partition_key for run in tick("reconcile").run_requests] == ["north", "south"]
    start_run("north", job="reconcile")
    assert [run.partition_key for run in tick("reconcile").run_requests] == ["south"]


def test_without_partitions_nothing_is_due(tick):
    execution = tick("incremental")
    assert not execution.run_requests
    assert "No satellite is due" in execution.skip_message


def test_a_satellite_that_was_switched_off_is_not_due(tick, instance, write_settings):
    instance.add_dynamic_partitions("satellite", ["north", "south"])
    write_settings(
        "satellites:\n  north: {url: http://n.invalid, credentials: env:N}\n"
        "  south: {url: http://s.invalid, credentials: env:S, enabled: off}\ndoctypes: [Customer]"
    )
    assert [run.partition_key for run in tick("incremental").run_requests] == ["north"]


@pytest.mark.parametrize(("schedule", "depth"), [("incremental", "CHANGES"), ("reconcile", "RECONCILE")])
def test_only_the_nightly_run_looks_deeper(tick, instance, schedule, depth):
    instance.add_dynamic_partitions("satellite", ["north"])
    (request,) = tick(schedule).run_requests
    assert request.run_config["ops"]["conformed"]["config"]["depth"] == depth
