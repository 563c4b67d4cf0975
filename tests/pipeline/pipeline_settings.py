"""The settings that the tests of the pipeline start from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

TWO_SATELLITES = """
satellites:
  north: {url: http://north.invalid, credentials: env:NORTH}
  south: {url: http://south.invalid, credentials: env:SOUTH}
doctypes: [Customer, GL Entry, Sales Invoice]
"""

WriteSettings = Callable[[str], Path]
"""Writes the text into the settings file of the test, and returns the file."""
