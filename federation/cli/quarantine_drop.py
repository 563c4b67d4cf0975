"""`federation quarantine drop`: versions that were set aside are given up, after a look at what they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import typer
from rich.text import Text

from federation.cli.choosing import chosen_satellites
from federation.cli.exits import Status
from federation.cli.quarantine import HELD_BACK, open_quarantine
from federation.cli.screen import complain, nothing, notices, plain, print_json, table
from federation.cli.sync import publish_now
from federation.giving_up import GivenUp, give_up
from federation.merging import merge_satellite
from federation.quarantine import Choice, HeldDocument, HeldFault, documents, faults, is_held_back
from federation.settings.load import load_settings
from federation.settings.model import Settings


@dataclass(frozen=True, slots=True)
class DropReport:
    """The JSON of `federation quarantine drop`.

    Attributes:
        dropped: names that left the quarantine.
        newer: names that were rejected again meanwhile, so that another version is in quarantine than the one shown.
        unknown: names that weren't in quarantine.
        error: why analysts can't see it yet; "" where they can.
    """

    dropped: tuple[str, ...]
    newer: tuple[str, ...]
    unknown: tuple[str, ...]
    error: str

    @property
    def ok(self) -> bool:
        """All that was named left the quarantine."""
        return not (self.newer or self.unknown or self.error)


def drop(
    settings_file: Path | None, satellite: str, doctype: str, names: Sequence[str], *, yes: bool, as_json: bool
) -> Status:
    """Give up versions in quarantine, once the user agrees; FAILED where one of those named isn't there.

    Raises:
        SettingsError: a mistake in the settings.
        typer.BadParameter: the settings don't have the satellite.
        SatelliteBusy: a sync of the satellite is running.
        LakeError, MothershipError: one of them can't be read or written.
    """
    settings = load_settings(settings_file)
    whose, *others = chosen_satellites(settings, [satellite])
    if others:
        raise typer.BadParameter("name one satellite", param_hint="SATELLITE")
    choice = Choice([whose.name], [doctype], names=names)
    with open_quarantine(settings) as mothership:
        if mothership is None:
            return Status.FAILED
        held = documents(mothership, choice)
        wrong = faults(mothership, choice)
    unknown = tuple(name for name in dict.fromkeys(names) if name not in {document.name for document in held})
    if held and not yes:
        _show(held, wrong)
        if not typer.confirm("Give up these versions?", err=True):
            notices().print("Nothing was dropped.")
            return Status.DONE
    given_up, trouble = GivenUp(), ""
    if held:
        given_up = give_up(settings, whose, doctype, {document.name: document.since for document in held})
        failed = merge_satellite(settings, whose.name).failed.get(doctype)
        trouble = str(failed or "") or publish_now(settings)[1] or _waits(settings, whose.name, doctype)
    report = DropReport(given_up.dropped, given_up.newer, unknown, trouble)
    if as_json:
        print_json(report)
    else:
        _tell(report, whose.name, doctype)
    return Status.DONE if report.ok else Status.FAILED


def _waits(settings: Settings, satellite: str, doctype: str) -> str:
    with open_quarantine(settings) as mothership:
        is_held = mothership is not None and is_held_back(mothership, satellite, doctype)
    return f"{satellite}, {doctype}: {HELD_BACK}" if is_held else ""


def _show(held: Sequence[HeldDocument], wrong: Sequence[HeldFault]) -> None:
    grid = table("document", "field", "reason", "what stays")
    reasons = {fault.name: fault for fault in reversed(wrong)}
    for document in held:
        fault = reasons[document.name]
        stays = Text("the version accepted before") if document.supersedes else nothing()
        grid.add_row(plain(document.name), plain(fault.fieldname), plain(fault.reason), stays)
    notices().print(grid)
    notices().print(
        "They leave the quarantine, and no rebuild brings them back, until the documents change on the site and are "
        "rejected again."
    )


def _tell(report: DropReport, satellite: str, doctype: str) -> None:
    if report.dropped:
        notices().print(f"{len(report.dropped):,} left the quarantine.", style="green")
    for name in report.newer:
        complain(f"{satellite}: {doctype} {name} was rejected again meanwhile, in another version: look at that one.")
    for name in report.unknown:
        complain(f"{satellite}: {doctype} {name} is not in quarantine.")
    if report.error:
        complain(report.error)
