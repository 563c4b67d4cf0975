"""Plan: from a stretch of the log and the ledger to what is merged, in which order, and how fresh that makes things."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from federation.lake.history import Committed, History
from federation.mothership.package_files import Coverage, ReadyPackage

GROUP_ROWS: Final = 1_000_000
"""Rows that are merged with the same few statements: what the memory for keys is bounded by."""


@dataclass(frozen=True, slots=True)
class DocTypePlan:
    """What one merge does for one DocType of one satellite.

    Attributes:
        packages: those to merge, in the order of their commits.
        as_of: the instant (UTC) as of which the DocType is complete after it; None while its first walk lasts.
        pending: documents that the site is known to have in a later state than any package.
        waiting: documents on the lake whose walk is still under way, or that are held back.
        compared_at: when the last complete pass over all documents began (UTC); None before the first.
        held: the packages for which it is held back.
    """

    doctype: str
    packages: tuple[Committed, ...]
    as_of: datetime | None
    pending: int
    waiting: int
    compared_at: datetime | None = None
    held: tuple[Committed, ...] = ()


def plan(history: History, merged: Collection[str]) -> tuple[DocTypePlan, ...]:
    """Return what to do for every DocType of the satellite, by name.

    A package is merged once its walk is complete, all packages of the walk together: a half-read DocType is never seen.
    One that only tells that documents are as they are known has nothing to merge. What is held back waits, and what
    came after it waits behind it: the DocType stays complete as of before.

    Args:
        history: the log behind the cursor.
        merged: ids of the packages in the ledger.
    """
    if history.newest is None:
        return ()
    states = history.newest.doctypes
    plans = []
    for doctype in sorted({*states, *history.packages}):
        committed = history.packages.get(doctype, ())
        waiting = [one for one in committed if _waits(history, one)]
        held = history.holding(doctype)
        state = states.get(doctype)
        through = state.through if state else None
        plans.append(
            DocTypePlan(
                doctype,
                tuple(one for one in committed if _is_due(history, one, merged)),
                as_of=_through(held[0]) if held else through,
                pending=len(state.position.pending) if state else 0,
                waiting=sum(one.package.documents for one in waiting),
                compared_at=state.compared if state else None,
                held=held,
            )
        )
    return tuple(plans)


def settled(history: History, merged: Collection[str]) -> int:
    """Return the commit up to which every package is merged or will never count."""
    unmerged = (
        one.seq - 1 for committed in history.packages.values() for one in committed if _is_due(history, one, merged)
    )
    return min((history.seq, *(history.settled(doctype) for doctype in history.packages), *unmerged))


def _is_due(history: History, one: Committed, merged: Collection[str]) -> bool:
    package = one.package
    return package.is_news and history.counts(package) and package.id not in merged and not history.is_held(one)


def _waits(history: History, one: Committed) -> bool:
    if history.counts(one.package):
        return history.is_held(one)
    return one.seq > history.settled(one.package.doctype)


def _through(held: Committed) -> datetime | None:
    return held.package.hold.through if held.package.hold else None


def groups(packages: Sequence[ReadyPackage]) -> Iterator[list[ReadyPackage]]:
    """Yield the packages in order, together as long as they carry the same columns and stay within `GROUP_ROWS`.

    A package of tombstones alone carries no columns and goes with any. One of patches is a group of its own: what came
    before it must stand when it applies.
    """
    group: list[ReadyPackage] = []
    coverage: Coverage = ()
    rows = 0
    for package in packages:
        other_columns = bool(coverage and package.coverage) and package.coverage != coverage
        patched = bool(package.patches or (group and group[-1].patches))
        if group and (patched or other_columns or rows + package.rows > GROUP_ROWS):
            yield group
            group, coverage, rows = [], (), 0
        group.append(package)
        coverage = coverage or package.coverage
        rows += package.rows
    if group:
        yield group
