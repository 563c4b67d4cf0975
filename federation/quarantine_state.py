"""Quarantine state: how much of a satellite's DocTypes is in quarantine, and why, right after a merge."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from federation.merging import open_mothership
from federation.quarantine import Choice, Count, HeldFault, counts, documents, faults
from federation.settings.model import Settings

_EXAMPLES: Final = 20


@dataclass(frozen=True, slots=True)
class QuarantineState:
    """What of a satellite's DocType is in quarantine.

    Attributes:
        documents: how many documents are in it.
        known: documents that the mothership knows of, in their table or in quarantine alone.
        superseding: of so many the version accepted before still stands in the table.
        by_rule: how many documents fail which rule.
        examples: the first faults, by document.
    """

    documents: int
    known: int
    superseding: int = 0
    by_rule: tuple[Count, ...] = ()
    examples: tuple[HeldFault, ...] = ()

    @property
    def share(self) -> float:
        """Documents in quarantine among those that are known."""
        return self.documents / self.known if self.known else 0.0


def quarantine_states(settings: Settings, satellite: str, doctypes: Collection[str]) -> dict[str, QuarantineState]:
    """Return the states of these DocTypes and of all others that have documents in quarantine, by name.

    Looks at what is merged, published or not.

    Raises:
        MothershipError: the mothership can't be read.
    """
    with open_mothership(settings, f"quarantine of {satellite}") as mothership:
        states = {}
        for fresh in mothership.freshness():
            if fresh.satellite != satellite or not (fresh.quarantined or fresh.doctype in doctypes):
                continue
            if not fresh.quarantined:
                states[fresh.doctype] = QuarantineState(0, fresh.rows)
                continue
            choice = Choice([satellite], [fresh.doctype])
            held = documents(mothership, choice)
            superseding = sum(document.supersedes for document in held)
            states[fresh.doctype] = QuarantineState(
                len(held),
                fresh.rows + len(held) - superseding,
                superseding,
                counts(mothership, choice),
                faults(mothership, choice, _EXAMPLES),
            )
        return states
