"""Agreement: what must hold between satellites, selections, policy rules, lakes and the mothership's readers.

A policy rule that reaches nobody, or a satellite that no rule can reach, would let fields out in silence: both stop.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from federation.drift.kinds import FOLLOWED, KINDS
from federation.settings.errors import did_you_mean, echo
from federation.settings.lakes import DEFAULT
from federation.settings.mothership_url import LONGEST_IDENTIFIER, jurisdiction_database, rebuild_database

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from federation.settings.lakes import Lakes
    from federation.settings.mistakes import Mistake
    from federation.settings.model import DriftRule, PolicyRule, Satellite
    from federation.settings.mothership import MothershipSettings


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


def disagreements_of_drift(rules: tuple[DriftRule, ...], satellites: Mapping[str, Satellite]) -> Iterator[Mistake]:
    """Yield rules that match no satellite, that are for changes there are not, or freeze what can't be frozen."""
    known = [kind for kind in KINDS if kind != "doctype_added"]
    for position, rule in enumerate(rules):
        if rule.satellite is not None and not any(fnmatchcase(name, rule.satellite) for name in satellites):
            named = ", ".join(map(echo, sorted(satellites)))
            otherwise = f"known is: {named}; remove the rule if it is no longer needed"
            fix = did_you_mean(rule.satellite, satellites, otherwise)
            yield (position, "satellite"), f"no satellite has the name `{echo(rule.satellite)}`", fix
        meant = {kind for kind in known if rule.change is None or fnmatchcase(kind, rule.change)}
        if rule.change == "doctype_added":
            what = "has no meaning here: which DocTypes are read, `doctypes` and `modules` say"
            yield (position, "change"), what, "remove the rule"
        elif not meant:
            fix = did_you_mean(str(rule.change), known, f"write one of {', '.join(known)}")
            yield (position, "change"), f"`{echo(str(rule.change))}` is no change that a site can make", fix
        elif rule.reaction == "freeze" and meant <= FOLLOWED:
            why = "by today's level the policy decides" if meant == {"permlevel"} else "what is gone can't be read"
            what = f"`{rule.change}` can't be frozen: {why}"
            yield (position, "change"), what, "write `reaction: evolve` or `ignore`, or select other changes"


def disagreements_of_lakes(lakes: Lakes, satellites: Mapping[str, Satellite]) -> Iterator[Mistake]:
    """Yield jurisdictions with a lake that no satellite states, and satellites for whom there is no lake."""
    stated = sorted({one.jurisdiction for one in satellites.values() if one.jurisdiction})
    for jurisdiction in lakes.by_jurisdiction:
        if jurisdiction not in stated:
            otherwise = f"known is: {', '.join(map(echo, stated)) or 'none'}; remove it if it is no longer needed"
            fix = did_you_mean(jurisdiction, stated, otherwise)
            yield (jurisdiction,), f"no satellite has the jurisdiction `{echo(jurisdiction)}`", fix
    if lakes.by_jurisdiction and DEFAULT in stated:
        what = (
            f"`{DEFAULT}` stands for satellites whose jurisdiction has no lake, and a satellite has it as jurisdiction"
        )
        yield (DEFAULT,) if lakes.default else (), what, "give that jurisdiction another name"
    by_folded = {
        jurisdiction.casefold(): jurisdiction for jurisdiction in lakes.by_jurisdiction if jurisdiction in stated
    }
    for jurisdiction in stated:
        meant = by_folded.get(jurisdiction.casefold(), jurisdiction)
        if meant != jurisdiction and jurisdiction not in lakes.by_jurisdiction:
            what = f"satellites state the jurisdiction `{echo(jurisdiction)}` too, and would not be kept here"
            yield (meant,), what, f"write `{echo(meant)}` everywhere"
        elif lakes.of(jurisdiction) is None:
            what = f"has no place for the jurisdiction `{echo(jurisdiction)}`"
            yield (), what, f"add one for it, or `{DEFAULT}:` for all that have none of their own"
    without = [name for name, satellite in satellites.items() if satellite.jurisdiction is None]
    if without and lakes.of(None) is None:
        what = f"has no place for satellites that state no jurisdiction: {', '.join(without)}"
        yield (), what, f"add `jurisdiction:` to each of them, or `{DEFAULT}:` here"


def disagreements_of_jurisdictions(
    mothership: MothershipSettings, satellites: Mapping[str, Satellite]
) -> Iterator[Mistake]:
    """Yield analysts of a jurisdiction that no satellite has, and jurisdictions that can't have a database each."""
    jurisdictions = sorted({one.jurisdiction for one in satellites.values() if one.jurisdiction})
    for name, analyst in mothership.analysts.items():
        if analyst.jurisdiction is not None and analyst.jurisdiction not in jurisdictions:
            otherwise = f"known is: {', '.join(map(echo, jurisdictions)) or 'none'}"
            fix = did_you_mean(analyst.jurisdiction, jurisdictions, otherwise)
            what = f"no satellite has the jurisdiction `{echo(analyst.jurisdiction)}`"
            yield ("analysts", name, "jurisdiction"), what, fix
    if mothership.engine == "mariadb":
        yield from _databases_that_clash(str(mothership.url.database), jurisdictions)


def _databases_that_clash(database: str, jurisdictions: Iterable[str]) -> Iterator[Mistake]:
    taken = {database: "the mothership itself", rebuild_database(database): "`federation rebuild`"}
    for jurisdiction in jurisdictions:
        own = jurisdiction_database(database, jurisdiction)
        subject = f"the jurisdiction `{echo(jurisdiction)}` would have its views in the database `{own}`, which"
        if len(own) > LONGEST_IDENTIFIER:
            fix = "shorten the name of the mothership's database, or of the jurisdiction"
            yield (), f"{subject} is longer than {LONGEST_IDENTIFIER} characters", fix
        elif own in taken:
            yield (
                (),
                f"{subject} is that of {taken[own]}",
                "rename the jurisdiction where satellites and policy name it",
            )
        taken.setdefault(own, f"the jurisdiction `{echo(jurisdiction)}`")


def _noun(key: str) -> str:
    return "name" if key == "satellite" else key
