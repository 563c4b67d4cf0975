"""Readiness: every secret that a run will need is in reach, found out before anything starts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from federation.extract.satellite import open_session
from federation.policy.rules import Hash
from federation.settings.errors import Problem, SettingsError
from federation.settings.model import Satellite, Settings


def demand_secrets(settings: Settings, satellites: Iterable[Satellite]) -> None:
    """Return if the keys of these satellites, of the policy's hashes and of the mothership can be had.

    Raises:
        SettingsError: some can't; all of them are named.
    """
    problems = [problem for satellite in satellites for problem in missing_secrets(satellite)]
    for rule in settings.policy:
        if rule.key is not None:
            problems.extend(_problems(Hash(rule.key).key))
    problems.extend(_problems(settings.mothership.secret))
    if problems:
        raise SettingsError(list(dict.fromkeys(problems)))


def missing_secrets(satellite: Satellite) -> list[Problem]:
    """Return why no session of the satellite can be opened; nothing is sent to find out."""
    unrevealed = [*_problems(satellite.api_key), *_problems(satellite.api_secret)]
    return unrevealed or list(_problems(lambda: open_session(satellite).close()))


def _problems(attempt: Callable[[], object]) -> Iterator[Problem]:
    try:
        attempt()
    except SettingsError as error:
        yield from error.problems
