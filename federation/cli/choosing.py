"""Choosing: what the user names on the command line, held against the settings before anything starts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Final

import typer

from federation.settings.errors import did_you_mean, echo
from federation.settings.model import Satellite, Settings
from federation.settings.selection import is_pattern

_NAMES_SHOWN: Final = 10


def chosen_satellites(settings: Settings, names: Sequence[str]) -> tuple[Satellite, ...]:
    """Return the satellites named, in the order of the settings; without names all that are enabled.

    Args:
        settings: which satellites there are.
        names: names, and patterns such as `campus-*`, which pass over satellites that are switched off.

    Raises:
        typer.BadParameter: a name isn't in the settings, its satellite is switched off, or a pattern matches none.
    """
    enabled = [satellite.name for satellite in settings.enabled_satellites()]
    wanted: set[str] = set()
    mistakes = []
    for name in dict.fromkeys(names):
        satellite = settings.satellites.get(name)
        if is_pattern(name):
            matching = {known for known in enabled if fnmatchcase(known, name)}
            wanted |= matching
            if not matching:
                mistakes.append(f"no satellite that is switched on matches `{echo(name)}`")
        elif satellite is None:
            fix = did_you_mean(name, settings.satellites, f"the settings have {_some(tuple(settings.satellites))}")
            mistakes.append(f"there is no satellite `{echo(name)}`: {fix}")
        elif not satellite.enabled:
            mistakes.append(f"the satellite `{name}` is switched off: take `enabled: false` off it in the settings")
        else:
            wanted.add(name)
    _refuse(mistakes, "--satellite")
    return tuple(one for one in settings.enabled_satellites() if one.name in wanted or not names)


def chosen_names(known: Sequence[str], wanted: Sequence[str]) -> frozenset[str]:
    """Return the names of satellites among `known` that are wanted, by name or pattern; all if none is.

    Raises:
        typer.BadParameter: a name or pattern that matches none.
    """
    found = {name: frozenset(one for one in known if fnmatchcase(one, name)) for name in wanted}
    _refuse(
        [
            f"there is no satellite `{echo(name)}`: {did_you_mean(name, known, f'known here: {_some(known)}')}"
            for name, matching in found.items()
            if not matching
        ],
        "--satellite",
    )
    return frozenset().union(*found.values()) if wanted else frozenset(known)


def chosen_doctypes(
    settings: Settings,
    satellites: Iterable[Satellite],
    names: Sequence[str],
    known: Mapping[str, Mapping[str, str]],
) -> dict[str, tuple[str, ...] | None]:
    """Return satellite → the DocTypes named that its selection has; None, for all it selects, without names.

    A satellite whose selection has none of them is left out. Where a DocType leaves as aggregates alone, its name
    stands for these.

    Args:
        settings: what each satellite selects.
        satellites: the satellites chosen.
        names: the DocTypes named.
        known: satellite → DocType → module, as far as the satellites have described them.

    Raises:
        typer.BadParameter: no satellite among them selects a DocType of this name.
    """
    if not names:
        return dict.fromkeys(satellite.name for satellite in satellites)
    wanted = tuple(dict.fromkeys(names))
    chosen: dict[str, tuple[str, ...] | None] = {}
    spellings: set[str] = set()
    for satellite in satellites:
        selection = settings.selection(satellite)
        modules = known.get(satellite.name, {})
        spellings |= {*selection.named, *(name for name, module in modules.items() if selection.matches(name, module))}
        counted = {aggregate.doctype for aggregate in settings.aggregates_of(satellite)}
        selected = tuple(name for name in wanted if name in counted or selection.matches(name, modules.get(name, "")))
        if selected:
            chosen[satellite.name] = selected
    found = {name for selected in chosen.values() for name in selected or ()}
    otherwise = "the settings select it nowhere; add it to `doctypes`"
    _refuse(
        [
            f"no satellite here brings the DocType `{echo(name)}`: {did_you_mean(name, spellings, otherwise)}"
            for name in wanted
            if name not in found
        ],
        "--doctype",
    )
    return chosen


def _some(names: Sequence[str]) -> str:
    few = names[:_NAMES_SHOWN]
    return ", ".join(few) + (f" and {len(names) - len(few):,} more" if len(names) > len(few) else "")


def _refuse(mistakes: Sequence[str], option: str) -> None:
    if mistakes:
        raise typer.BadParameter("; ".join(mistakes), param_hint=option)
