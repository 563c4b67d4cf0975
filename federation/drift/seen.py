"""Seen: what one run saw of a DocType's drift, as far as somebody should look at it."""

from __future__ import annotations

from dataclasses import dataclass

from federation.contract.satellite_schema import SatelliteSchema
from federation.drift.changes import Change, changes_of
from federation.drift.following import held_back
from federation.drift.reactions import Reactions
from federation.drift.words import Keeps, told


@dataclass(frozen=True, slots=True)
class SeenDrift:
    """What a site says otherwise of a DocType and its child DocTypes.

    Attributes:
        followed: what it changed since the run before, and is read by now.
        held_back: what it changed, in this run or earlier, and the settings freeze: nobody has accepted it yet.
    """

    followed: tuple[Change, ...] = ()
    held_back: tuple[Change, ...] = ()


def seen_drift(
    known: SatelliteSchema, now: SatelliteSchema, doctype: str, reactions: Reactions, keeps: Keeps
) -> SeenDrift:
    """Return what a run saw of a DocType; the first sight of one is no drift.

    Args:
        known: the satellite's schema before the run.
        now: its schema since.
        doctype: whose drift, that of its child DocTypes included.
        reactions: what the settings say; what they ignore isn't told.
        keeps: the policy, which may hold a field's words back.
    """
    before, after = known.as_told, now.as_told
    followed = (
        change
        for name in now.owned(doctype)
        if name in before and name in after
        for change in changes_of(before[name], after[name])
        if reactions.to(name, change.kind) == "evolve"
    )

    def in_words(change: Change) -> Change:
        return told(change, now.satellite, after[change.doctype], keeps)

    return SeenDrift(tuple(map(in_words, followed)), tuple(map(in_words, held_back(now, doctype))))
