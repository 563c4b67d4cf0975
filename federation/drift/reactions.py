"""Reactions: what the settings say is done about each kind of change; the most specific rule wins."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from federation.drift.kinds import FOLLOWED, Kind, Reaction
from federation.settings.selection import is_pattern

if TYPE_CHECKING:
    from federation.settings.model import DriftRule, Settings

_SELECTORS: Final = ("change", "doctype", "satellite")


@dataclass(frozen=True, slots=True)
class Reactions:
    """What is done about the changes of one satellite. `reactions_for` makes it."""

    _rules: tuple[DriftRule, ...]

    def to(self, doctype: str, kind: Kind) -> Reaction:
        """Return what is done about a change.

        What can't be held back is followed, also where a pattern says otherwise.
        """
        for rule in self._rules:
            if _selects(rule.change, kind) and _selects(rule.doctype, doctype):
                return "evolve" if rule.reaction == "freeze" and kind in FOLLOWED else rule.reaction
        return "evolve"

    def freezes(self, doctype: str, kind: Kind) -> bool:
        """Return whether changes of the kind are held back."""
        return self.to(doctype, kind) == "freeze"


def reactions_for(settings: Settings, satellite: str) -> Reactions:
    """Return what is done about the changes of one satellite: the rules that reach it, the winning ones first."""
    ranked = [
        ((*(_specificity(getattr(rule, selector)) for selector in _SELECTORS), number), rule)
        for number, rule in enumerate(settings.drift)
        if _selects(rule.satellite, satellite)
    ]
    return Reactions(tuple(rule for _, rule in sorted(ranked, key=lambda one: one[0], reverse=True)))


def _selects(selector: str | None, name: str) -> bool:
    return selector is None or fnmatchcase(name, selector)


def _specificity(selector: str | None) -> int:
    if selector is None:
        return 0
    return 1 if is_pattern(selector) else 2
