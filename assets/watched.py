"""Watched: the federation as a run reaches it, with somebody who looks on while it reads."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Protocol, Self

from pydantic import PrivateAttr

from assets.resource import FederationResource
from federation.extract.outcome import DocTypeOutcome, Progress
from federation.extract.satellite import RunOptions
from federation.mothership.interface import MergeReport


class Watcher(Progress, Protocol):
    """Who looks on: told what is read, and when the merge begins."""

    def merging(self, satellite: str) -> None:
        """The satellite's packages begin to be merged."""


class WatchedFederation(FederationResource):
    """One federation, watched. Dagster's log stays as it is."""

    _watcher: Watcher = PrivateAttr()

    @classmethod
    def of(cls, settings_file: Path, watcher: Watcher) -> Self:
        """Return the federation of a settings file, watched by `watcher`."""
        watched = cls(settings_file=str(settings_file))
        watched._watcher = watcher
        return watched

    def extract(self, satellite: str, options: RunOptions, progress: Progress) -> Generator[DocTypeOutcome, None, None]:
        """Read what changed on a satellite, telling the watcher as well as Dagster's log."""
        yield from super().extract(satellite, options, _Both(progress, self._watcher))

    def merge(self, satellite: str) -> MergeReport:
        """Merge what is pending of a satellite, telling the watcher."""
        self._watcher.merging(satellite)
        return super().merge(satellite)


class _Both:
    def __init__(self, *watchers: Progress) -> None:
        self._watchers = watchers

    def started(self, doctype: str) -> None:
        for watcher in self._watchers:
            watcher.started(doctype)

    def read(self, doctype: str, rows: int) -> None:
        for watcher in self._watchers:
            watcher.read(doctype, rows)

    def ended(self, outcome: DocTypeOutcome) -> None:
        for watcher in self._watchers:
            watcher.ended(outcome)
