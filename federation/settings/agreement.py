"""Agreement: what must hold between satellites, selections and policy rules.

A policy rule that reaches nobody, or a satellite that no rule can reach, would let fields out in silence: both stop.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from federation.settings.errors import did_you_mean, echo

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from federation.settings.mistakes import Mistake
    from federation.settings.model import PolicyRule, Satellite


def disagreements_of_satellites(
    satellites: Mapping[str, Satellite], common_selection: bool | None
) -> Iterator[Mistake]:
    """Yield satellites that share an address, carry a second name or bring no DocType.

    Args:
        satellites: by name.
        common_selection: whether the settings select DocTypes for all; None where that is itself mistaken.
    """
    by_site: dict[tuple[str, str], str] = {}
    for name, satellite in satellites.items():
        first = by_site.setdefault((satellite.url, satellite.site or urlsplit(satellite.url).hostname or ""), name)
        if first != name:
            what = f"is the address of `{first}` too: its documents would count twice"
            yield (name, "url"), what, "give each site once; where several share an address, name each under `site`"
        if satellite.name != name:
            yield (name, "name"), "is not a key here", f"remove it: the satellite's name is `{name}`"
        own = satellite.doctypes is not None or satellite.modules is not None
        if own and not (satellite.doctypes or satellite.modules):
            yield (name,), "selects no DocType", "name some under its `doctypes`, or set `enabled: false`"
        if not own and common_selection is False:
            what = "selects no DocType, and there is no common selection"
            yield (name,), what, "add `doctypes:` to the file, for example [Customer, Sales Invoice]"


def disagreements_of_policy(rules: tuple[PolicyRule, ...], satellites: Mapping[str, Satellite]) -> Iterator[Mistake]:
    """Yield rules that match no satellite, and satellites whose jurisdiction a rule would have to know."""
    jurisdictions = {satellite.jurisdiction for satellite in satellites.values() if satellite.jurisdiction}
    for position, rule in enumerate(rules):
        for key, selector, known in (
            ("satellite", rule.satellite, satellites.keys()),
            ("jurisdiction", rule.jurisdiction, jurisdictions),
        ):
            if selector is not None and not any(fnmatchcase(name, selector) for name in known):
                otherwise = f"known is: {', '.join(map(echo, sorted(known))) or 'none'}"
                fix = did_you_mean(selector, known, f"{otherwise}; remove the rule if it is no longer needed")
                yield (position, key), f"no satellite has the {_noun(key)} `{echo(selector)}`", fix
    by_jurisdiction = [position for position, rule in enumerate(rules) if rule.jurisdiction is not None]
    without = [name for name, satellite in satellites.items() if satellite.jurisdiction is None]
    if by_jurisdiction and without:
        what = f"asks for a jurisdiction, but these satellites state none: {', '.join(without)}"
        yield (by_jurisdiction[0], "jurisdiction"), what, "add `jurisdiction:` to each of them"


def _noun(key: str) -> str:
    return "name" if key == "satellite" else key
