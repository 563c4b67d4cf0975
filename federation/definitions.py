"""Definitions: everything that Dagster shows and runs, put together from the settings. Nothing is read on import."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import dagster as dg

from assets.conformed import conformed_assets
from assets.doctypes import known_doctypes
from assets.freshness import freshness_checks
from assets.integrity import integrity_checks
from assets.jobs import RECONCILE, asset_jobs, publish_job
from assets.mothership import mothership_assets
from assets.partitions import SATELLITES
from assets.resource import FederationResource
from assets.runs import Depth, run_config
from assets.satellites import satellite_specs
from assets.schemas import described_tables, local_schemas
from assets.watched import WatchedFederation, Watcher
from federation.settings.load import ENVIRONMENT, FILE_NAME, load_settings
from sensors.publication import publication
from sensors.satellites import satellites
from sensors.schedules import schedules


@dg.definitions
def defs() -> dg.Definitions:
    """Return the definitions of the federation that $FEDERATION_SETTINGS or `./federation.yaml` describes.

    Raises:
        SettingsError: there are mistakes in the settings.
    """
    return federation_definitions(Path(os.environ.get(ENVIRONMENT) or FILE_NAME).absolute())


def federation_definitions(settings_file: Path) -> dg.Definitions:
    """Return the definitions of the federation that a settings file describes.

    No satellite, no secret and no lake elsewhere is asked for them.

    Raises:
        SettingsError: there are mistakes in the settings.
    """
    settings = load_settings(settings_file)
    common = dg.Definitions(
        resources={"federation": FederationResource(settings_file=str(settings_file))},
        # One process a run: starting one a step costs more than the step.
        executor=dg.in_process_executor,
        jobs=[publish_job],
        sensors=[publication],
    )
    schemas = local_schemas(settings)
    doctypes = known_doctypes(settings, schemas)
    if not doctypes:
        logging.getLogger(__name__).warning(
            "The settings name DocTypes only by patterns and modules, and no satellite has been asked yet what they "
            "stand for: run `federation sync`, then reload the definitions."
        )
        return common
    tables = described_tables(settings, schemas)
    conformed = conformed_assets(doctypes, tables)
    mothership = mothership_assets(doctypes, tables, settings.mothership.engine)
    freshness, integrity = freshness_checks(doctypes), integrity_checks(doctypes)
    return dg.Definitions.merge(
        common,
        dg.Definitions(
            assets=[*satellite_specs(doctypes), conformed, mothership],
            asset_checks=[freshness, integrity],
            schedules=schedules(settings.schedules),
            sensors=[satellites],
        ),
        asset_jobs(conformed, mothership, freshness, integrity),
    )


def run_job(settings_file: Path, job: str, satellite: str, watcher: Watcher, home: Path) -> bool:
    """Run a job for one satellite in this process while `watcher` looks on; return whether it succeeded.

    Args:
        settings_file: `federation.yaml`.
        job: the job's name.
        satellite: the partition.
        watcher: told what is read.
        home: the folder in which Dagster keeps runs and events; made where it isn't there.

    Raises:
        SettingsError: there are mistakes in the settings.
    """
    home.mkdir(parents=True, exist_ok=True)
    (home / "dagster.yaml").write_text("telemetry:\n  enabled: false\n", encoding="utf-8")
    watched = dg.ResourceDefinition.hardcoded_resource(WatchedFederation.of(settings_file, watcher))
    with dg.DagsterInstance.local_temp(str(home)) as instance:
        instance.add_dynamic_partitions(str(SATELLITES.name), [satellite])
        result = (
            federation_definitions(settings_file)
            .resolve_job_def(job)
            .execute_in_process(
                instance=instance,
                partition_key=satellite,
                resources={"federation": watched},
                run_config=dg.RunConfig(
                    ops=run_config(Depth.RECONCILE if job == RECONCILE else Depth.CHANGES).ops,
                    loggers={"console": {"config": {"log_level": "CRITICAL"}}},
                ),
                raise_on_error=False,
            )
        )
    return result.success
