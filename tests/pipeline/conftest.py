"""What the tests of the pipeline share: a settings file on a temporary folder, and the definitions made from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest
from pipeline_settings import TWO_SATELLITES, WriteSettings

from assets.resource import FederationResource
from federation.definitions import federation_definitions
from federation.settings.load import load_settings
from federation.settings.model import Settings


@pytest.fixture
def write_settings(tmp_path: Path) -> WriteSettings:
    file = tmp_path / "federation.yaml"

    def write(text: str) -> Path:
        file.write_text(text, encoding="utf-8")
        return file

    return write


@pytest.fixture
def settings_file(write_settings: WriteSettings) -> Path:
    return write_settings(TWO_SATELLITES)


@pytest.fixture
def settings(settings_file: Path) -> Settings:
    return load_settings(settings_file)


@pytest.fixture
def definitions(settings_file: Path) -> dg.Definitions:
    return federation_definitions(settings_file)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """An instance on disk: Dagster resolves partitions of run requests only where one can be opened again."""
    with dg.instance_for_test() as instance:
        yield instance


@pytest.fixture
def federation(settings_file: Path) -> FederationResource:
    return FederationResource(settings_file=str(settings_file))


@pytest.fixture
def start_run(definitions: dg.Definitions, instance: dg.DagsterInstance) -> Callable[..., dg.DagsterRun]:
    """Puts a run that has not ended into the instance."""

    def start(satellite: str, *, job: str) -> dg.DagsterRun:
        return instance.create_run_for_job(
            definitions.resolve_job_def(job),
            tags={"dagster/partition": satellite},
            status=dg.DagsterRunStatus.STARTED,
        )

    return start
