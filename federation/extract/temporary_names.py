"""Temporary names: ledger entries get their own names later, and none is missing or counted twice meanwhile."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from connectors.frappe import count_request, read_count, text_table
from federation.extract.asking import prove_absent, read_listed
from federation.extract.documents import TO_RENAME
from federation.extract.harvest import Harvest
from federation.extract.site_time import wire_time
from federation.extract.succession import believe_lost, births, read_born_with
from federation.lake.lookups import known_where


@dataclass(frozen=True, slots=True)
class Temporary:
    """Documents that still bear a temporary name, as far as the lake knows.

    Attributes:
        count: how many.
        newest: the newest `creation` among them, as on the wire; "" where there is none.
    """

    count: int = 0
    newest: str = ""


def settle_temporary_names(harvest: Harvest, known: Temporary, *, has_read: bool) -> Temporary:
    """Let documents that got their own names since take the place of those under temporary names.

    An hourly job renames ledger entries by SQL, without a trace; `modified` moves in ERPNext 15, and not before;
    `creation` stays [f_deletions/35-39]. The job commits row by row, so what is listed changes under our eyes: rows
    are read again until no further temporary name has gone. Everything that was packaged under a new name before the
    last look has thus lost its old one. What was gathered so far must be committed.

    Args:
        harvest: the walk's.
        known: what the last walk left.
        has_read: this walk has packaged documents.

    Raises:
        MassDeletion: more entries are gone for good than the setting allows.
        FrappeError: the site failed.
    """
    if not has_read and (known.count == 0 or _still_named(harvest, known)):
        return known
    run = harvest.context.run
    named = known_where(run.folder, run.log, harvest.doctype, column=TO_RENAME, value=1, walk=harvest.walk)
    held = 0
    while named.num_rows:
        gone, named = _split(named, _listed(harvest))
        if not gone.num_rows:
            break
        held += _succeed(harvest, gone)
    newest = pc.max(named.column("creation")).as_py() if named.num_rows else None
    # Those held are counted too, so that the next walk's count differs and it looks again.
    return Temporary(named.num_rows + held, "" if newest is None else wire_time(newest))


def _still_named(harvest: Harvest, known: Temporary) -> bool:
    """One count tells that no name has gone; whatever came since is younger than the newest that we know."""
    doctype = harvest.context.session.names.doctype(harvest.doctype)
    named = count_request(doctype, {TO_RENAME: ("=", 1), "creation": ("<=", known.newest)})
    return read_count(harvest.context.session, named) == known.count


def _listed(harvest: Harvest) -> pa.Array:
    pages = read_listed(harvest.context.session, text_table(harvest.doctype, "name"), filters=((TO_RENAME, "=", 1),))
    return pa.array([str(name) for page in pages for name in page.column("name")], pa.string())


def _split(named: pa.Table, listed: pa.Array) -> tuple[pa.Table, pa.Table]:
    there = pc.is_in(named.column("name"), listed)
    return named.filter(pc.invert(there)), named.filter(there)


def _succeed(harvest: Harvest, gone: pa.Table) -> int:
    """Package the successors and bury what they succeed; what has none was deleted, which needs a proof.

    Returns:
        How many are held, because their successor couldn't be accepted: burying them would unbalance the ledger.
    """
    context = harvest.context
    observed = context.clock()
    born = births(gone)
    found, accepted = _read_successors(harvest, gone)
    buried = [name for name, creation in born.items() if creation in accepted]
    proof = prove_absent(context.session, harvest.doctype, [name for name in born if born[name] not in found])
    believe_lost(harvest, len(proof.absent))
    harvest.hide(proof.hidden)
    harvest.bury(buried, observed)
    harvest.bury(proof.absent, proof.observed)
    return sum(creation in found - accepted for creation in born.values())


def _read_successors(harvest: Harvest, gone: pa.Table) -> tuple[set[str], set[str]]:
    """The instants of `creation` under which the site has named documents now, and those that were accepted."""
    found: set[str] = set()
    accepted: set[str] = set()
    for page, instants in read_born_with(harvest, harvest.reading.parent.wire, gone, (TO_RENAME, "=", 0)):
        names = harvest.accept(page)
        found.update(instants)
        accepted.update(
            instant for name, instant in zip(page.column("name"), instants, strict=True) if str(name) in names
        )
    return found, accepted
