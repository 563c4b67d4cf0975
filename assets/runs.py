"""Runs: what a person or a schedule may ask of a run, in the launchpad and in code."""

from __future__ import annotations

from typing import Final

import dagster as dg
from pydantic import Field

TRIGGER_TAG: Final = "federation/trigger"
"""What asked for a run: the name of a schedule, or `added` for a satellite's first."""


class ExtractConfig(dg.Config):
    """How the satellite is read."""

    full: bool = Field(
        default=False,
        description="Walk every DocType from its beginning, as every night: finds silent changes, renames, deletions.",
    )
    allow_mass_delete: bool = Field(
        default=False,
        description="Believe the site although more documents than `max_delete_share` allows are gone from it.",
    )


def run_config(*, full: bool) -> dg.RunConfig:
    """Return the config of a run of the jobs that read."""
    return dg.RunConfig(ops={"conformed": ExtractConfig(full=full)})
