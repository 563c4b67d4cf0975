"""The satellites sensor keeps the partitions in step with the settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dagster as dg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pipeline_settings import TWO_SATELLITES, WriteSettings

from assets.resource import FederationResource
from federation.settings.errors import SettingsError
from sensors.satellites import partition_changes

Tick = Callable[[], Any]
_names = st.sets(st.sampled_from(["north", "south", "east", "west"]))


@pytest.fixture
def tick(definitions: dg.Definitions, instance: dg.DagsterInstance, federation: FederationResource) -> Tick:
    """Evaluates the sensor and does to the partitions what it asks for, as the daemon does."""
    repository = definitions.get_repository_def()

    def tick() -> Any:
        with dg.build_sensor_context(
            instance=instance,
            instance_ref=instance.get_ref(),
            repository_def=repository,
            resources={"federation": federation},
        ) as context:
            execution = repository.get_sensor_def("satellites").evaluate_tick(context)
        for request in execution.dynamic_partitions_requests or ():
            if isinstance(request, dg.AddDynamicPartitionsRequest):
                instance.add_dynamic_partitions("satellite", list(request.partition_keys))
            else:
                for key in request.partition_keys:
                    instance.delete_dynamic_partition("satellite", key)
        return execution

    return tick


def _partitions(instance: dg.DagsterInstance) -> set[str]:
    return set(instance.get_dynamic_partitions("satellite"))


@given(_names, _names, _names)
def test_after_the_changes_only_deferred_partitions_are_out_of_step(wanted, existing, in_flight):
    changes = partition_changes(wanted, existing, in_flight)
    after = (existing | set(changes.add)) - set(changes.delete)
    assert after - set(changes.deferred) == wanted - set(changes.deferred)
    assert not set(changes.deferred) & wanted
    assert not set(changes.delete) & in_flight


def test_a_new_satellite_gets_its_partition_and_its_first_run(tick, instance):
    execution = tick()
    assert _partitions(instance) == {"north", "south"}
    assert [(run.partition_key, run.tags["federation/trigger"]) for run in execution.run_requests] == [
        ("north", "added"),
        ("south", "added"),
    ]


def test_a_second_look_at_the_same_settings_changes_nothing(tick, instance):
    tick()
    execution = tick()
    assert not execution.run_requests
    assert "2 satellites" in (execution.skip_message or "")


def test_a_satellite_added_to_the_file_joins_without_a_reload(
    tick: Tick, instance: dg.DagsterInstance, write_settings: WriteSettings
):
    tick()
    write_settings(
        TWO_SATELLITES.replace("doctypes:", "  east: {url: http://e.invalid, credentials: env:EAST}\ndoctypes:")
    )
    execution = tick()
    assert _partitions(instance) == {"north", "south", "east"}
    assert [run.partition_key for run in execution.run_requests] == ["east"]


def test_a_satellite_that_is_switched_off_loses_its_partition(tick, instance, write_settings):
    tick()
    write_settings(TWO_SATELLITES.replace("env:SOUTH}", "env:SOUTH, enabled: off}"))
    tick()
    assert _partitions(instance) == {"north"}


def test_a_partition_with_a_run_in_flight_goes_only_when_the_run_has_ended(tick, instance, write_settings, start_run):
    tick()
    run = start_run("south", job="sync")
    write_settings(TWO_SATELLITES.replace("env:SOUTH}", "env:SOUTH, enabled: off}"))
    assert "south: removed when its run has ended" in tick().skip_message
    assert _partitions(instance) == {"north", "south"}
    instance.report_run_canceled(run)
    tick()
    assert _partitions(instance) == {"north"}


def test_mistaken_settings_change_no_partition_and_are_told(tick, instance, write_settings):
    tick()
    write_settings("satellites: {}")
    with pytest.raises(Exception, match="mistake") as caught:
        tick()
    assert isinstance(caught.value.__cause__ or caught.value, SettingsError)
    assert _partitions(instance) == {"north", "south"}
