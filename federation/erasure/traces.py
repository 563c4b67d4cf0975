"""Traces: rows of the lake's files as they are without erased documents; Arrow tables in, Arrow tables out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from federation.contract.names import NAME, OBSERVED
from federation.erasure.links import LinkColumn

_KEYS: Final[Mapping[str, tuple[str, ...]]] = {"aliases": ("old_name", "new_name")}
"""Kind of file → the columns that name documents, where that isn't the document's own name."""


@dataclass(frozen=True, slots=True)
class Holding:
    """What a file of a package, or of `current`, holds.

    Attributes:
        kind: the file's kind.
        doctype: the DocType of its documents.
        table: the DocType or child DocType whose rows it holds.
    """

    kind: str
    doctype: str
    table: str


@dataclass(frozen=True)
class Targets:
    """What is erased of one satellite.

    Attributes:
        names: DocType → name → pseudonym.
        links: DocType or child DocType → its columns that may hold such names.
        children: DocType → its child DocTypes.
        reused: DocType → former name that belongs to another document since → the instant (naive, UTC) up to which it
            was the erased one's.
    """

    names: Mapping[str, Mapping[str, str]]
    links: Mapping[str, tuple[LinkColumn, ...]]
    children: Mapping[str, tuple[str, ...]]
    reused: Mapping[str, Mapping[str, datetime]] = field(default_factory=dict)

    def columns(self, holding: Holding) -> frozenset[str]:
        """Return the columns of a file in which something of these documents may stand; none if nothing can."""
        wanted: set[str] = set()
        if holding.doctype in self.names:
            wanted.update(key_columns(holding))
        if holding.doctype in self.reused:
            wanted.add(OBSERVED)
        if holding.kind in ("rows", "patch"):
            wanted.update(name for link in self.links.get(holding.table, ()) for name in (link.column, link.by) if name)
        elif holding.kind == "quarantine" and self._quarantine_links(holding.doctype):
            wanted.update(("fieldname", "value", "document"))
        return frozenset(wanted)

    def without(self, holding: Holding, rows: pa.Table) -> Cleaned:
        """Return rows of a file, with all its columns or some of them, without what is erased."""
        kept = rows
        names = self.names.get(holding.doctype)
        if names:
            erased = pa.array(names, pa.string())
            for column in key_columns(holding):
                if column in kept.column_names:
                    kept = kept.filter(pc.invert(pc.is_in(kept.column(column), value_set=erased)))
        if holding.kind != "aliases" and {*key_columns(holding), OBSERVED} <= {*kept.column_names}:
            (column,) = key_columns(holding)
            for name, until in self.reused.get(holding.doctype, {}).items():
                own = pc.and_(pc.equal(kept.column(column), name), pc.less_equal(kept.column(OBSERVED), until))
                kept = kept.filter(pc.invert(pc.fill_null(own, fill_value=False)))
        removed = rows.num_rows - kept.num_rows
        if holding.kind in ("rows", "patch"):
            return _relinked(kept, self.links.get(holding.table, ()), removed)
        if holding.kind == "quarantine" and "document" in kept.column_names:
            return self._requoted(kept, holding.doctype, removed)
        return Cleaned(kept, removed, 0)

    def _quarantine_links(self, doctype: str) -> bool:
        return any(self.links.get(table) for table in (doctype, *self.children.get(doctype, ())))

    def _requoted(self, rows: pa.Table, doctype: str, removed: int) -> Cleaned:
        """Documents of others in quarantine are JSON, in which links are replaced one by one."""
        if not rows.num_rows or not self._quarantine_links(doctype):
            return Cleaned(rows, removed, 0)
        replaced = 0
        documents, values = [], []
        columns = (rows.column(name).to_pylist() for name in ("document", "fieldname", "value"))
        # A loop per row: each is a JSON text of its own, and quarantine is small where all is well.
        for text, fieldname, value in zip(*columns, strict=True):
            document = json.loads(text)
            told = self._told(document, doctype, fieldname).get(value, value)
            count = self._relinked(document, doctype)
            replaced += count or told != value
            documents.append(json.dumps(document, sort_keys=True) if count else text)
            values.append(told)
        for name, cells in (("document", documents), ("value", values)):
            rows = rows.set_column(rows.column_names.index(name), name, pa.array(cells, pa.string()))
        return Cleaned(rows, removed, replaced)

    def _told(self, document: dict[str, object], doctype: str, fieldname: str) -> dict[str, str]:
        """Return what stands for names in the field at fault; of which row of a child table it is, isn't told."""
        return {
            form: told
            for table in (doctype, *self.children.get(doctype, ()))
            for link in self.links.get(table, ())
            if link.field.fieldname == fieldname and (table != doctype or _leads(document, link))
            for form, told in link.forms.items()
        }

    def _relinked(self, document: dict[str, Any], doctype: str) -> int:
        count = _relink_document(document, self.links.get(doctype, ()))
        for child in self.children.get(doctype, ()):
            for row in document.get(child) or ():
                count += _relink_document(row, self.links.get(child, ()))
        return count


@dataclass(frozen=True, slots=True)
class Cleaned:
    """Rows without what is erased.

    Attributes:
        rows: what is left.
        removed: rows that are gone.
        replaced: cells in which a pseudonym stands now; documents of them in quarantine.
    """

    rows: pa.Table
    removed: int
    replaced: int

    @property
    def is_changed(self) -> bool:
        """Something of the erased documents was there."""
        return bool(self.removed or self.replaced)


def key_columns(holding: Holding) -> tuple[str, ...]:
    """Return the columns of a file that name the documents that its rows belong to."""
    return _KEYS.get(holding.kind) or ((NAME,) if holding.table == holding.doctype else ("parent",))


def _relinked(rows: pa.Table, links: Sequence[LinkColumn], removed: int) -> Cleaned:
    replaced = 0
    for link in links:
        if link.column not in rows.column_names or (link.by and link.by not in rows.column_names):
            continue
        position = rows.column_names.index(link.column)
        column = rows.column(position)
        if column.type != pa.string():
            continue
        places = pc.index_in(column, value_set=pa.array(link.forms, pa.string()))
        hit = pc.is_valid(places)
        if link.by:
            hit = pc.and_(hit, pc.fill_null(pc.equal(rows.column(link.by), link.doctype), fill_value=False))
        count = pc.sum(hit).as_py() or 0
        if count:
            told = pc.take(pa.array(link.forms.values(), pa.string()), places)
            rows = rows.set_column(position, rows.schema.field(position), pc.if_else(hit, told, column))
            replaced += count
    return Cleaned(rows, removed, replaced)


def _relink_document(document: dict[str, object], links: Sequence[LinkColumn]) -> int:
    count = 0
    for link in links:
        value = document.get(link.field.fieldname)
        if isinstance(value, str) and value in link.forms and _leads(document, link):
            document[link.field.fieldname] = link.forms[value]
            count += 1
    return count


def _leads(document: Mapping[str, object], link: LinkColumn) -> bool:
    return not link.by or document.get(link.field.by) == link.doctype
