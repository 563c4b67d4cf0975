"""Asking: what a command asks of many satellites, side by side, until they have answered or somebody interrupts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeVar

from federation.cli.choosing import chosen_satellites
from federation.cli.exits import unless_interrupted
from federation.cli.screen import notices
from federation.settings.load import load_settings
from federation.settings.model import Satellite, Settings

_AT_ONCE: Final = 32
"""Satellites asked side by side, each with its own bound of connections: nearly all of their time is waiting."""

Answer = TypeVar("Answer")


def ask(
    settings_file: Path | None, names: Sequence[str], question: Callable[[Settings, tuple[Satellite, ...]], Answer]
) -> Answer:
    """Return what `question` finds about the satellites named, or about all that are enabled; Ctrl-C ends it at once.

    Raises:
        SettingsError: a mistake in the settings.
        typer.BadParameter: a satellite that the settings don't have.
    """
    settings = load_settings(settings_file)
    satellites = chosen_satellites(settings, names)
    with notices().status(f"asking {len(satellites):,} satellites"):
        return unless_interrupted(lambda: question(settings, satellites))


def ask_each(satellites: Sequence[Satellite], question: Callable[[Satellite], Answer]) -> tuple[Answer, ...]:
    """Return what `question` finds about each satellite, in their order."""
    with ThreadPoolExecutor(_AT_ONCE, "satellite") as pool:
        return tuple(pool.map(question, satellites))
