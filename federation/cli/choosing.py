"""Choosing: what the user names on the command line, held against the settings before anything starts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import typer

from federation.settings.errors import did_you_mean, echo
from federation.settings.model import Satellite, Settings


def chosen_satellites(settings: Settings, names: Sequence[str]) -> tuple[Satellite, ...]:
    """Return the satellites named, in the order of the settings; without names all that are enabled.

    Raises:
        typer.BadParameter: a name isn't in the settings, or its satellite is switched off.
    """
    wanted = dict.fromkeys(names)
    mistakes = []
    for name in wanted:
        satellite = settings.satellites.get(name)
        if satellite is None:
            fix = did_you_mean(name, settings.satellites, f"the settings have {', '.join(settings.satellites)}")
            mistakes.append(f"there is no satellite `{echo(name)}`: {fix}")
        elif not satellite.enabled:
            mistakes.append(f"the satellite `{name}` is switched off: take `enabled: false` off it in the settings")
    _refuse(mistakes, "--satellite")
    return tuple(one for one in settings.enabled_satellites() if one.name in wanted or not wanted)


def chosen_doctypes(
    settings: Settings,
    satellites: Iterable[Satellite],
    names: Sequence[str],
    known: Mapping[str, Mapping[str, str]],
) -> dict[str, tuple[str, ...] | None]:
    """Return satellite → the DocTypes named that its selection has; None, for all it selects, without names.

    A satellite whose selection has none of them is left out.

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
        spellings |= {*selection.names, *(name for name, module in modules.items() if selection.matches(name, module))}
        selected = tuple(name for name in wanted if selection.matches(name, modules.get(name, "")))
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


def _refuse(mistakes: Sequence[str], option: str) -> None:
    if mistakes:
        raise typer.BadParameter("; ".join(mistakes), param_hint=option)
