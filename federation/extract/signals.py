"""Signals: what the site itself tells of documents deleted and renamed. A signal is a reason to look, never a fact."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from connectors.frappe import DocTypeError, FrappeSession, Position, Rename, read_deleted, read_renames
from federation.conform.reading import ReadField
from federation.contract.names import column_name
from federation.contract.satellite_schema import DocTypeSchema, SatelliteSchema
from federation.erasure.suppression import Suppression
from federation.extract.asking import hashed_name, hashed_rename, is_hidden
from federation.extract.context import RunContext
from federation.extract.documents import DocumentReading
from federation.extract.harvest import Harvest
from federation.extract.site_time import Window
from federation.lake.lookups import owners_of

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Signals:
    """What the site told since the last run.

    Attributes:
        deleted: DocType → names under which a document was deleted.
        renames: DocType → renames, in their order.
        silent: the lists that this user may not read, so that only comparisons find what they would tell.
    """

    deleted: Mapping[str, Sequence[str]] = field(default_factory=dict)
    renames: Mapping[str, Sequence[Rename]] = field(default_factory=dict)
    silent: tuple[str, ...] = ()

    @property
    def doctypes(self) -> frozenset[str]:
        """The DocTypes that are told of."""
        return frozenset(self.deleted.keys() | self.renames.keys())

    def names(self, doctype: str) -> list[str]:
        """Return every name of `doctype` that is told of, each once."""
        renamed = (name for rename in self.renames.get(doctype, ()) for name in (rename.old, rename.new))
        return list(dict.fromkeys((*self.deleted.get(doctype, ()), *renamed)))


def read_signals(session: FrappeSession, window: Window, *, page_rows: int, held_back: Collection[str] = ()) -> Signals:
    """Return what the site tells of a window of its time; nothing is asked of DocTypes that are held back.

    Both lists take a System Manager. They are written in the transactions that they tell of, so the window reaches
    back as that of every walk does.

    Raises:
        SatelliteError, TransientError: the site failed as a whole.
    """
    after = Position(window.start, "")
    left_out = [session.names.doctype(doctype) for doctype in held_back]
    deleted: dict[str, dict[str, None]] = {}
    renames: dict[str, list[Rename]] = {}
    silent = []
    try:
        for page in read_deleted(session, after=after, until=window.until, page_rows=page_rows, but=left_out):
            for deletion in page.deletions:
                doctype = session.names.our_doctype(deletion.doctype)
                deleted.setdefault(doctype, {})[hashed_name(session, doctype, deletion.name)] = None
    except DocTypeError as error:
        _LOG.info("Deletions are found by comparison alone: %s", error)
        silent.append("Deleted Document")
    try:
        for told in read_renames(session, after=after, until=window.until, page_rows=page_rows, but=left_out):
            for rename in told.renames:
                doctype = session.names.our_doctype(rename.doctype)
                renames.setdefault(doctype, []).append(hashed_rename(session, replace(rename, doctype=doctype)))
    except DocTypeError as error:
        _LOG.info("Renames are found by comparison alone: %s", error)
        silent.append("Comment")
    return Signals({doctype: tuple(names) for doctype, names in deleted.items()}, renames, tuple(silent))


def renamed_of(signals: Signals, suppression: Suppression) -> dict[str, list[str]]:
    """Return DocType → names that the site has given to erased documents since."""
    found: dict[str, list[str]] = {}
    for doctype, renames in signals.renames.items():
        news: set[str] = set()
        for rename in renames:
            if rename.old in news or suppression.holds(doctype, rename.old):
                news.update(suppression.forms(doctype, rename.new))
        if news:
            found[doctype] = sorted(news)
    return found


def without_erased(signals: Signals, suppression: Suppression) -> Signals:
    """Return the signals that aren't of erased documents; who was merged into one is gone."""
    if not suppression.pseudonyms:
        return signals
    merged = {
        doctype: [rename.old for rename in renames if suppression.holds(doctype, rename.new)]
        for doctype, renames in signals.renames.items()
    }
    deleted = {
        doctype: suppression.others(doctype, (*signals.deleted.get(doctype, ()), *merged.get(doctype, ())))
        for doctype in {*signals.deleted, *merged}
    }
    renames = {
        doctype: [
            rename
            for rename in some
            if not (suppression.holds(doctype, rename.old) or suppression.holds(doctype, rename.new))
        ]
        for doctype, some in signals.renames.items()
    }
    return Signals(
        {doctype: some for doctype, some in deleted.items() if some},
        {doctype: some for doctype, some in renames.items() if some},
        signals.silent,
    )


def signalled(harvest: Harvest, signals: Signals) -> list[str]:
    """Return the names of the walk's DocType that are worth a look.

    A notice of what the lake doesn't believe to be there says nothing new: notices come twice, as all of a window may.
    """
    doctype = harvest.doctype
    named = signals.names(doctype)
    if not named:
        return []
    alive = harvest.known().alive(named)
    worth = {name for name in signals.deleted.get(doctype, ()) if name in alive}
    for rename in signals.renames.get(doctype, ()):
        if rename.old in alive:
            worth.update((rename.old, rename.new))
    return [name for name in named if name in worth]


def merged_into(signals: Signals, doctype: str) -> dict[str, str]:
    """Return old name → new name, as Comments tell of `doctype`."""
    return {rename.old: rename.new for rename in signals.renames.get(doctype, ())}


def pointing_at_renamed(
    context: RunContext, reading: DocumentReading, schema: SatelliteSchema, signals: Signals, walk: str
) -> list[str]:
    """Return the names of documents that, as far as the lake knows, still point at a name that a rename replaced.

    A rename rewrites every Link and Dynamic Link to the document, and moves no `modified` [f_deletions/18-24].
    """
    found: dict[str, None] = {}
    for table in (reading.parent, *reading.children):
        described = schema.doctypes[table.table.doctype]
        read = {each.fieldname: each for each in table.fields}
        for linked, renames in signals.renames.items():
            for fieldname, by in _fields_to(described, linked):
                if fieldname not in read or (by is not None and by not in read):
                    continue
                stored = _stored(read[fieldname], linked, hidden=is_hidden(context.session, linked))
                olds, news = stored([rename.old for rename in renames]), stored([rename.new for rename in renames])
                owners = owners_of(
                    context.run.folder,
                    context.run.log,
                    reading.doctype,
                    table.table.doctype,
                    column=column_name(fieldname.casefold()),
                    values=[str(old) for old, new in zip(olds, news, strict=True) if old != new],
                    where=(column_name(by.casefold()), linked) if by is not None else None,
                    walk=walk,
                )
                found.update(dict.fromkeys(owners))
    return list(found)


def _stored(reading: ReadField, linked: str, *, hidden: bool) -> Callable[[Sequence[str]], Sequence[object]]:
    """Return what turns names of `linked` into what the lake has of them; hidden ones come so already."""
    if hidden:
        return lambda names: names
    return lambda names: reading.alter(names, [linked] * len(names))


def _fields_to(described: DocTypeSchema, linked: str) -> Iterable[tuple[str, str | None]]:
    """Fields that may hold a name of `linked`: Links, and Dynamic Links with the field that says to what they lead."""
    for each in described.fields.values():
        if each.fieldtype == "Link" and each.options == linked:
            yield each.fieldname, None
        elif each.fieldtype == "Dynamic Link" and each.options:
            yield each.fieldname, each.options
