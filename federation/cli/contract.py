"""`federation contract`: what sites changed about their DocTypes, and what of it is let in."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import typer
from rich.text import Text

from federation.accepting import accept_changes
from federation.cli.choosing import chosen_names, chosen_satellites
from federation.cli.contract_text import change_lines, difference_lines, versions_table
from federation.cli.exits import Status, unless_interrupted
from federation.cli.screen import answers, complain, notices, plain, print_json, remark
from federation.contract_history import Difference, Version, difference, versions_merged, versions_on_lake
from federation.drift.changes import Change
from federation.extract.errors import ExtractError
from federation.lake.errors import LakeError
from federation.settings.errors import echo
from federation.settings.load import load_settings
from federation.settings.model import Settings

_LONGEST_NUMBER: Final = 10
"""Digits; the names of manifests have as many."""


def history(settings_file: Path | None, names: Sequence[str], doctypes: Sequence[str], *, as_json: bool) -> Status:
    """Print the versions of the satellites' contracts; FAILED where a lake that had to be read can't be.

    Args:
        settings_file: the settings.
        names: only satellites of these names or patterns; all if empty.
        doctypes: only changes of these, own or child; all if empty.

    Raises:
        SettingsError: a mistake in the settings.
        typer.BadParameter: no satellite has one of the names.
        MothershipError: the mothership can't be read.
    """
    settings = load_settings(settings_file)
    satellites = sorted(chosen_names(list(settings.satellites), names))
    found, troubles = unless_interrupted(lambda: _versions(settings, satellites))
    versions = [chosen for version in found if (chosen := _only(version, doctypes)).changes]
    if as_json:
        print_json(versions)
    elif versions:
        answers().print(versions_table(versions))
    else:
        notices().print("Nothing is known of changes: no site was read, or none that matches.")
    return _ended(troubles)


def diff(
    settings_file: Path | None,
    names: Sequence[str],
    doctypes: Sequence[str],
    since: int | datetime | None,
    *,
    as_json: bool,
) -> Status:
    """Print what each satellite says otherwise of its DocTypes than it did; FAILED where a lake can't be read.

    Args:
        settings_file: the settings.
        names: only satellites of these names or patterns; all if empty.
        doctypes: only changes of these, own or child; all if empty.
        since: a commit, or an instant; None for the last change.

    Raises:
        SettingsError: a mistake in the settings.
        typer.BadParameter: no satellite has one of the names.
        MothershipError: the mothership can't be read.
    """
    settings = load_settings(settings_file)
    satellites = sorted(chosen_names(list(settings.satellites), names))
    found, troubles = unless_interrupted(lambda: _differences(settings, satellites, doctypes, since))
    if as_json:
        print_json(found)
    else:
        for one in found:
            if one.seen_at is None:
                remark(f"{one.satellite}: it was never read. Run `federation sync`.")
            else:
                _print(difference_lines(one))
    return _ended(troubles)


def accept(settings_file: Path | None, name: str, doctype: str, *, as_json: bool) -> Status:
    """Let in what is held back of a DocType, and print it; FAILED where a satellite's lake can't be written now.

    Args:
        settings_file: the settings.
        name: of a satellite, or a pattern.
        doctype: whose changes; those of its child DocTypes come along.
        as_json: print JSON.

    Raises:
        SettingsError: a mistake in the settings.
        typer.BadParameter: there is no such satellite.
    """
    settings = load_settings(settings_file)
    accepted: dict[str, tuple[Change, ...]] = {}
    troubles: list[Exception] = []
    for satellite in chosen_satellites(settings, [name]):
        try:
            accepted[satellite.name] = accept_changes(settings, satellite, doctype)
        except (ExtractError, LakeError) as error:
            troubles.append(error)
    if as_json:
        print_json(accepted)
    else:
        for satellite_name, changes in accepted.items():
            _print(change_lines(changes))
            said = "that is let in with the next sync" if changes else "nothing is held back"
            notices().print(plain(f"{satellite_name}, {echo(doctype)}: {said}."))
    return _ended(troubles)


def since_of(text: str) -> int | datetime:
    """Return what `--since` says: a commit, or an instant, in UTC where it doesn't say otherwise.

    Raises:
        typer.BadParameter: it is neither.
    """
    if text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER:
        return int(text)
    try:
        said = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(
            f"`{echo(text)}` is neither a commit (12) nor a date (2026-11-24, 2026-11-24T09:30)", param_hint="--since"
        ) from None
    return said if said.tzinfo else said.replace(tzinfo=UTC)


def _versions(settings: Settings, satellites: Sequence[str]) -> tuple[list[Version], list[LakeError]]:
    merged = versions_merged(settings, satellites)
    if merged is not None:
        return [version for versions in merged.values() for version in versions], []
    found: list[Version] = []
    troubles: list[LakeError] = []
    for satellite in satellites:
        try:
            found += versions_on_lake(settings, satellite)
        except LakeError as error:
            troubles.append(error)
    return found, troubles


def _differences(
    settings: Settings, satellites: Sequence[str], doctypes: Collection[str], since: int | datetime | None
) -> tuple[list[Difference], list[LakeError]]:
    found: list[Difference] = []
    troubles: list[LakeError] = []
    last: dict[str, int] = {}
    if since is None:
        versions, troubles = _versions(settings, satellites)
        last = {version.satellite: version.seq - 1 for version in versions if _only(version, doctypes).changes}
    for satellite in satellites:
        try:
            one = difference(settings, satellite, last.get(satellite, 0) if since is None else since)
        except LakeError as error:
            troubles.append(error)
        else:
            chosen = replace(one, changes=_chosen(one.changes, doctypes), held_back=_chosen(one.held_back, doctypes))
            found.append(chosen)
    return found, list({str(error): error for error in troubles}.values())


def _only(version: Version, doctypes: Collection[str]) -> Version:
    return replace(version, changes=_chosen(version.changes, doctypes))


def _chosen(changes: Iterable[Change], doctypes: Collection[str]) -> tuple[Change, ...]:
    return tuple(change for change in changes if not doctypes or change.doctype in doctypes)


def _ended(troubles: Iterable[Exception]) -> Status:
    said = [str(error) for error in troubles]
    for trouble in said:
        complain(trouble)
    return Status.FAILED if said else Status.DONE


def _print(lines: Iterable[Text]) -> None:
    for line in lines:
        answers().print(line, soft_wrap=True)
