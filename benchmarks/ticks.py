"""Ticks: seconds of CPU that Dagster's sensor and schedule take to look at a fleet, and each process of a run to start.

An hour has 120 ticks of the sensor that keeps partitions in step, and one of the hourly schedule, which asks for a run
of each satellite. Every run is a process of its own that loads the definitions anew.

    python -m benchmarks.ticks
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg

from assets.partitions import SATELLITES
from assets.resource import FederationResource
from benchmarks.figure import Figure, show
from benchmarks.fleet import FLEETS, fleet_settings, satellite_names
from federation.contract.satellite_schema import DOCUMENT_FIELDS, DocTypeSchema, FieldSchema, SatelliteSchema
from federation.definitions import federation_definitions
from federation.lake.run import LakeRun, new_run_id, utc_now
from federation.lake.storage import open_lake
from federation.settings.model import Schedules, Settings
from sensors.satellites import satellites
from sensors.schedules import schedules

TICKS_AN_HOUR = 120
_URL = "https://fleet.invalid"
_DOCTYPES = [f"Bench Type {number:02d}" for number in range(60)]


def figures() -> Iterator[Figure]:
    """Evaluate the sensor and the schedule for each size of fleet, then start a process."""
    for size in FLEETS:
        with tempfile.TemporaryDirectory() as temporary, dg.DagsterInstance.local_temp(temporary) as instance:
            folder = Path(temporary)
            _describe(fleet_settings(folder, _URL, _DOCTYPES, size))
            federation = FederationResource(settings_file=str(folder / "federation.yaml"))
            instance.add_dynamic_partitions(str(SATELLITES.name), satellite_names(size))
            sensor = _sensor_tick(instance, federation)
            schedule = _schedule_tick(instance, federation, size)
            start = _start(folder)
        yield Figure(
            f"{size} satellites × {len(_DOCTYPES)} DocTypes: ticks of an hour",
            f"{TICKS_AN_HOUR * sensor + schedule:.1f} CPU s",
            f"sensor {sensor:.3f} each, {TICKS_AN_HOUR} times; schedule {schedule:.3f}",
        )
        yield Figure("… a process that loads the definitions, as each run does", f"{start:.1f} CPU s")


def _sensor_tick(instance: dg.DagsterInstance, federation: FederationResource) -> float:
    resources = {"federation": federation}
    with dg.build_sensor_context(instance, repository_def=_repository(federation), resources=resources) as context:
        started = time.process_time()
        execution = satellites.evaluate_tick(context)
        seconds = time.process_time() - started
    if execution.run_requests:
        raise AssertionError("the partitions were in step already")
    return seconds


def _schedule_tick(instance: dg.DagsterInstance, federation: FederationResource, size: int) -> float:
    hourly = next(each for each in schedules(Schedules()) if each.name == "incremental")
    with dg.build_schedule_context(
        instance,
        repository_def=_repository(federation),
        resources={"federation": federation},
        scheduled_execution_time=datetime.now(UTC),
    ) as context:
        started = time.process_time()
        requests = hourly.evaluate_tick(context).run_requests
        seconds = time.process_time() - started
    if len(requests or ()) != size:
        raise AssertionError(f"{len(requests or ())} runs were asked for instead of {size}")
    return seconds


def _repository(federation: FederationResource) -> dg.RepositoryDefinition:
    return federation_definitions(Path(federation.settings_file)).get_repository_def()


def _describe(settings: Settings) -> None:
    """Let the lake know what each satellite says of its DocTypes."""
    fields = {name: FieldSchema(name, (fieldtype,)) for name, fieldtype, _ in DOCUMENT_FIELDS}
    doctypes = {name: DocTypeSchema(name, "Benchmark", fields=fields) for name in _DOCTYPES}
    for name in settings.satellites:
        run = LakeRun.open(open_lake(settings.lake_of(name), name), "rest", new_run_id(utc_now()))
        run.describe(SatelliteSchema(name, doctypes))
        run.close()


def _start(folder: Path) -> float:
    before = _children()
    code = (
        "import sys; from pathlib import Path; from federation.definitions import federation_definitions; "
        "federation_definitions(Path(sys.argv[1])).get_repository_def()"
    )
    subprocess.run([sys.executable, "-c", code, f"{folder}/federation.yaml"], check=True)
    return _children() - before


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    show("Ticks", figures())
