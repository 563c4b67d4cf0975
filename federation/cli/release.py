"""`federation release`: what an expectation holds back of a DocType of a satellite may be merged."""

from __future__ import annotations

from pathlib import Path

import typer

from federation.cli.exits import Status
from federation.cli.screen import answers, complain, plain, print_json
from federation.releasing import release as work
from federation.settings.errors import did_you_mean, echo
from federation.settings.load import load_settings


def release(settings_file: Path | None, satellite: str, doctype: str, *, as_json: bool) -> Status:
    """Release what is held back; FAILED where nothing is.

    Raises:
        SettingsError: a mistake in the settings.
        typer.BadParameter: a satellite that the settings don't have.
        SatelliteBusy: a run of the satellite is under way.
        LakeError: the lake can't be read or written.
    """
    settings = load_settings(settings_file)
    chosen = settings.satellites.get(satellite)
    if chosen is None:
        known = did_you_mean(satellite, settings.satellites, f"known here: {', '.join(settings.satellites)}")
        raise typer.BadParameter(f"there is no satellite `{echo(satellite)}`: {known}")
    released = work(settings, chosen, doctype)
    if as_json:
        print_json(released)
    elif released.packages:
        out = answers()
        what = f"{released.documents:,} documents of {doctype} of {satellite} in {released.packages:,} packages"
        out.print("[green]✓[/]", plain(f"{what} are released; `federation sync` merges them, and what waits behind."))
        for breach in released.breaches:
            out.print("  ", plain(f"{breach.failing:,} rows: {breach.reason} ({breach.rule})"), style="dim")
    else:
        complain(f"Nothing of {doctype} is held back at {satellite}. `federation status` tells what is.")
    return Status.DONE if released.packages else Status.FAILED
