"""Resource: the domain as assets, sensors and schedules reach it, one function each, on settings read afresh."""

from __future__ import annotations

from collections.abc import Collection, Generator, Mapping
from pathlib import Path

import dagster as dg

from assets.doctypes import KnownDocType, known_doctypes
from assets.schemas import described_tables, local_schemas
from federation import merging
from federation.compaction import compact_satellite
from federation.contract.columns import TableContract
from federation.data_docs import last_pages
from federation.extract.outcome import DocTypeOutcome, Progress
from federation.extract.satellite import RunOptions, extract
from federation.integrity import Verdicts, document_integrity, judge_integrity
from federation.lake.errors import CompactionFailed
from federation.lake.storage import LakeFolder, open_lake
from federation.mothership.interface import Freshness, MergeReport
from federation.quality.data_docs_index import Page
from federation.settings.errors import Problem, SettingsError, did_you_mean
from federation.settings.load import load_settings
from federation.settings.model import Satellite, Settings


class FederationResource(dg.ConfigurableResource["FederationResource"]):
    """One federation, named by its settings file.

    The file is read whenever something is asked for: a satellite that is added needs no restart.

    Attributes:
        settings_file: absolute path of `federation.yaml`.
    """

    settings_file: str

    def settings(self) -> Settings:
        """Return the settings as they are now.

        Raises:
            SettingsError: there are mistakes in them.
        """
        return load_settings(Path(self.settings_file))

    def doctypes(self) -> tuple[KnownDocType, ...]:
        """Return the DocTypes that are known now; the assets are those known when the definitions were loaded."""
        settings = self.settings()
        return known_doctypes(settings, local_schemas(settings))

    def tables(self) -> Mapping[str, TableContract]:
        """Return DocType → the contract of its table, as the satellites describe it now."""
        settings = self.settings()
        return described_tables(settings, local_schemas(settings))

    def lake(self, satellite: str) -> LakeFolder:
        """Return the satellite's folder on its lake.

        Raises:
            SettingsError: the settings don't say which one that is.
        """
        return open_lake(self.settings().lake_of(satellite), satellite)

    def extract(self, satellite: str, options: RunOptions, progress: Progress) -> Generator[DocTypeOutcome, None, None]:
        """Read what changed on a satellite; see `federation.extract.satellite.extract`.

        Raises:
            SettingsError: the settings don't name it, or say that it isn't read.
        """
        settings = self.settings()
        yield from extract(settings, _enabled(settings, satellite), options, progress)

    def judged_before(self, satellite: str) -> Mapping[str, tuple[Page, str]]:
        """Return how a satellite's rows were judged the last time; see `federation.data_docs.last_pages`."""
        return last_pages(self.settings(), satellite)

    def compact(self, satellite: str) -> tuple[CompactionFailed, ...]:
        """Bring the satellite's `current` datasets up to its log; see `federation.compaction.compact_satellite`."""
        settings = self.settings()
        return compact_satellite(settings, _enabled(settings, satellite))

    def merge(self, satellite: str) -> MergeReport:
        """Merge what is pending of a satellite into the mothership; see `federation.merging.merge_satellite`."""
        return merging.merge_satellite(self.settings(), satellite)

    def publish(self, *, force: bool) -> bool:
        """Publish the mothership; see `federation.merging.publish`."""
        return merging.publish(self.settings(), force=force)

    def publication(self) -> merging.PublicationState:
        """Return how far the published copy may be behind; see `federation.merging.publication_state`."""
        return merging.publication_state(self.settings())

    def integrity(self, doctypes: Collection[str]) -> Verdicts:
        """Hold documents against those that they are tied to; see `federation.integrity.judge_integrity`."""
        return judge_integrity(self.settings(), doctypes)

    def integrity_docs(self, verdicts: Verdicts) -> Mapping[str, Mapping[str, str]]:
        """Write the Data Docs of verdicts; see `federation.integrity.document_integrity`."""
        return document_integrity(self.settings(), verdicts)

    def freshness(self) -> tuple[Freshness, ...]:
        """Return as of when each satellite and DocType is complete, as the ledger says."""
        return merging.freshness(self.settings())


def _enabled(settings: Settings, name: str) -> Satellite:
    satellite = settings.satellites.get(name)
    if satellite is None:
        fix = did_you_mean(name, settings.satellites, "add it, or leave its partition alone")
        raise SettingsError([Problem("the settings name no such satellite", fix, f"satellites.{name}")])
    if not satellite.enabled:
        problem = Problem("is off, so nothing is read from the satellite", "turn it on", f"satellites.{name}.enabled")
        raise SettingsError([problem])
    return satellite
