"""Succession: documents that are gone under their name, and the names under which some of them live on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from connectors.frappe import Filter, WirePage, WireTable, text_table
from federation.extract.asking import prove_absent, read_heads, read_listed
from federation.extract.errors import MassDeletion
from federation.extract.harvest import Harvest
from federation.extract.site_time import read_wire_time, wire_time
from federation.lake.known_names import count_known
from federation.lake.lookups import alive_before, born_at, creations
from federation.lake.packages import ALIAS_SCHEMA

_CREATIONS_AT_ONCE: Final = 200


def settle_gone(harvest: Harvest, gone: Sequence[str], renamed: Mapping[str, str], *, deleted: frozenset[str]) -> None:
    """Bury documents that no list returns under their name, and find those that only bear another one.

    A rename moves no `modified` but keeps `creation` [f_deletions/18-24], so whoever has the `creation` of a document
    that is gone, and wasn't known before, is its successor. A document with a successor is buried only together with
    it: neither is ever missing, and none counts twice. What was gathered so far must be committed.

    Args:
        harvest: the walk's.
        gone: names to settle.
        renamed: old name → new name, as Comments tell; they alone know where a merged document went.
        deleted: those among `gone` that the site says it deleted: nobody succeeds them.

    Raises:
        MassDeletion: more documents are gone for good than the setting allows; nothing was buried.
        FrappeError: the site failed.
    """
    if not gone:
        return
    context = harvest.context
    proof = prove_absent(context.session, harvest.doctype, gone)
    harvest.hide(proof.hidden)
    heirs = _successors(harvest, [name for name in proof.absent if name not in deleted])
    accepted, _ = harvest.settle([heir for heir in heirs.values() if heir is not None])
    waiting = {name for name, heir in heirs.items() if heir is not None and heir not in accepted}
    harvest.pending.update(dict.fromkeys(waiting))
    buried = [name for name in proof.absent if name not in waiting]
    told = {old: new for old, new in renamed.items() if old in buried and heirs.get(old) is None}
    aliases = {name: heir for name, heir in heirs.items() if heir in accepted} | told
    believe_lost(harvest, sum(name not in aliases for name in buried))
    harvest.bury(buried, proof.observed)
    harvest.alias(_alias_rows(aliases, proof.observed))


def settle_strangers(harvest: Harvest, renamed: Mapping[str, str], *, deleted: frozenset[str]) -> None:
    """Bury the earlier names of documents that are old and were never known under the name that they came with.

    A rename that nobody told of shows in its new name or in its old one, whichever is met first; until both are
    settled the document would count twice. What was gathered so far must be committed.

    Args:
        harvest: the walk's.
        renamed: see `settle_gone`.
        deleted: names that the site says it deleted.

    Raises:
        MassDeletion: more documents are gone for good than the setting allows.
        FrappeError: the site failed.
    """
    run, strangers = harvest.context.run, harvest.take_strangers()
    if not strangers:
        return
    before = alive_before(run.folder, run.log, harvest.doctype, list(strangers))
    new = {name: creation for name, creation in strangers.items() if name not in before}
    if not new:
        return
    alike = born_at(run.folder, run.log, harvest.doctype, sorted(set(new.values())), walk=harvest.walk)
    suspects = [name for name in alike.column("name").to_pylist() if name not in new]
    there = read_heads(harvest.context.session, harvest.doctype, suspects) if suspects else {}
    settle_gone(harvest, [name for name in suspects if name not in there], renamed, deleted=deleted)


def believe_lost(harvest: Harvest, gone: int) -> None:
    """Take so many documents for gone for good, unless the whole walk then believes more than the setting allows.

    Raises:
        MassDeletion: the share is above the setting's.
    """
    context = harvest.context
    lost = harvest.lost + gone
    if not context.allow_mass_delete and lost > context.limits.delete_free:
        known = count_known(context.run.folder, context.run.log, harvest.doctype) + harvest.lost
        if lost > known * context.limits.delete_share:
            raise MassDeletion(harvest.reading.parent.satellite, harvest.doctype, lost, known)
    harvest.lost = lost


def births(documents: pa.Table) -> dict[str, str]:
    """Return name → `creation` as on the wire, "" where there is none, of documents in `CREATIONS_SCHEMA`."""
    pairs = zip(*(documents.column(column).to_pylist() for column in ("name", "creation")), strict=True)
    return {name: "" if creation is None else wire_time(creation) for name, creation in pairs}


def read_born_with(
    harvest: Harvest, table: WireTable, documents: pa.Table, *filters: Filter
) -> Iterator[tuple[WirePage, list[str]]]:
    """Yield pages of what the site has now of the instants at which some documents were created, and those instants.

    Renaming leaves `modified` or moves it on: no successor lies before the oldest of them, where an index helps.

    Args:
        harvest: the walk's.
        table: what is asked; `creation` must be among the fields.
        documents: `CREATIONS_SCHEMA`.
        filters: hold as well.

    Yields:
        A page, and the `creation` of each of its rows as `births` writes it.
    """
    oldest = pc.min(documents.column("modified")).as_py()
    since: tuple[Filter, ...] = (("modified", ">=", wire_time(oldest)),) if oldest is not None else ()
    instants = sorted(set(births(documents).values()) - {""})
    for start in range(0, len(instants), _CREATIONS_AT_ONCE):
        some = ("creation", "in", instants[start : start + _CREATIONS_AT_ONCE])
        listed = read_listed(harvest.context.session, table, filters=(*since, some, *filters))
        for page in harvest.context.suppression.spared(listed):
            yield page, [wire_time(read_wire_time(str(creation))) for creation in page.column("creation")]


def _successors(harvest: Harvest, absent: Sequence[str]) -> dict[str, str | None]:
    """Name that is gone → the one document with its `creation` that wasn't known before this walk, if there is one."""
    run = harvest.context.run
    was = creations(run.folder, run.log, harvest.doctype, absent, walk=harvest.walk)
    heirs: dict[str, str | None] = dict.fromkeys(absent)
    if not was.num_rows:
        return heirs
    table = text_table(harvest.doctype, "name", "creation")
    found = {
        str(name): creation
        for page, instants in read_born_with(harvest, table, was)
        for name, creation in zip(page.column("name"), instants, strict=True)
    }
    before = alive_before(run.folder, run.log, harvest.doctype, list(found))
    by_creation: dict[str, list[str]] = {}
    for name, creation in found.items():
        if name not in heirs and name not in before:
            by_creation.setdefault(creation, []).append(name)
    born = births(was)
    alike = Counter(born.values())
    for name, creation in born.items():
        candidates = by_creation.get(creation, ())
        if len(candidates) == 1 and alike[creation] == 1:
            heirs[name] = candidates[0]
    return heirs


def _alias_rows(aliases: Mapping[str, str | None], observed: datetime) -> pa.Table:
    pairs = [(old, new) for old, new in aliases.items() if new is not None]
    instant = observed.astimezone(UTC).replace(tzinfo=None)
    return pa.Table.from_pylist(
        [{"old_name": old, "new_name": new, "observed": instant} for old, new in pairs], schema=ALIAS_SCHEMA
    )
