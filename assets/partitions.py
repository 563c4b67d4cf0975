"""Partitions: one partition is one satellite; a sensor keeps them in step with the settings."""

from __future__ import annotations

from typing import Final

import dagster as dg

SATELLITES: Final = dg.DynamicPartitionsDefinition(name="satellite")
"""The satellites that are read; partition key = name of the satellite."""
