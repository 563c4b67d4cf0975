"""Identity: a site is known by a few of its documents, so that another one's data is never taken for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from connectors.frappe import DocTypeError, FrappeSession, prove_absent, read_named, text_table
from federation.extract.documents import DocumentReading
from federation.extract.errors import AnotherSite
from federation.extract.site_time import read_wire_time, wire_time
from federation.lake.known_names import count_known
from federation.lake.lookups import spread
from federation.lake.manifest import Anchor
from federation.lake.run import LakeRun

_DOCTYPES: Final = 3
_ANCHORS: Final = 20
"""A DocType."""
_ENOUGH: Final = 10
"""Fewer documents say little: on a small site all of them may have been deleted or renamed in a day."""


def recognise(session: FrappeSession, satellite: str, anchors: Sequence[Anchor]) -> tuple[Anchor, ...]:
    """Return the anchors if the site is the one that they were taken from, () where too few are left to tell.

    One document of the same name and `creation` is enough: names repeat from site to site, instants don't. A site that
    hides them from this user now can't be told.

    Raises:
        AnotherSite: none of them is there.
        SatelliteError, TransientError: the site failed.
    """
    by_doctype: dict[str, list[Anchor]] = {}
    for anchor in anchors:
        by_doctype.setdefault(anchor.doctype, []).append(anchor)
    for doctype, some in by_doctype.items():
        held = _held(session, doctype, some)
        if held is None or len(held) * 2 >= len(some):
            return tuple(anchors)
        if held:
            return ()
    if len(anchors) < _ENOUGH:
        return ()
    raise AnotherSite(satellite, tuple(by_doctype), len(anchors))


def choose_anchors(run: LakeRun, readings: Sequence[DocumentReading]) -> tuple[Anchor, ...]:
    """Return documents of the DocTypes that have most; () where there are too few to tell anything."""
    counted = {
        reading.doctype: count_known(run.folder, run.log, reading.doctype)
        for reading in readings
        if not (reading.is_single or reading.has_temporary_names or reading.hides_names)
    }
    chosen = sorted(counted, key=lambda doctype: (-counted[doctype], doctype))[:_DOCTYPES]
    anchors = tuple(
        Anchor(doctype, name, creation)
        for doctype in chosen
        for name, creation in spread(run.folder, run.log, doctype, _ANCHORS)
    )
    return anchors if len(anchors) >= _ENOUGH else ()


def _held(session: FrappeSession, doctype: str, anchors: Sequence[Anchor]) -> Sequence[Anchor] | None:
    """Those that are still there; None where this user isn't shown them, so that nothing can be told."""
    names = [anchor.name for anchor in anchors]
    try:
        there = {
            (str(name), wire_time(read_wire_time(str(creation))))
            for page in read_named(session, text_table(doctype, "name", "creation"), names)
            for name, creation in zip(*page.columns, strict=True)
        }
        held = [anchor for anchor in anchors if (anchor.name, anchor.creation) in there]
        return held if held or not prove_absent(session, doctype, names).hidden else None
    except DocTypeError:
        return None
