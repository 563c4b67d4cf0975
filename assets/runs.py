"""Runs: what a person or a schedule may ask of a run, in the launchpad and in code."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import dagster as dg
from pydantic import Field

TRIGGER_TAG: Final = "federation/trigger"
"""What asked for a run: the name of a schedule, or `added` for a satellite's first."""


class Depth(StrEnum):
    """How deep a run looks; see `federation.extract.doctype_run.Depth`."""

    CHANGES = "changes"
    RECONCILE = "reconcile"
    FULL = "full"


class ExtractConfig(dg.Config):
    """How the satellite is read."""

    depth: Depth = Field(
        default=Depth.CHANGES,
        description="CHANGES: what the site tells of. RECONCILE: also, within the settings' budget and going on where "
        "the last night stopped, what it doesn't tell: silent changes, renames and deletions. FULL: all of it at once.",
    )
    allow_mass_delete: bool = Field(
        default=False,
        description="Believe the site although more documents than `max_delete_share` allows are gone from it.",
    )


def run_config(depth: Depth) -> dg.RunConfig:
    """Return the config of a run of the jobs that read."""
    return dg.RunConfig(ops={"conformed": ExtractConfig(depth=depth)})
