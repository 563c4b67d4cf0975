"""Sites for the tests of the mothership: what they have, and how it comes onto their lake."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
from msgspec.structs import replace
from places import Place

from federation.contract.asked_field import AskedField
from federation.contract.columns import TableContract
from federation.contract.names import column_name
from federation.contract.satellite_schema import (
    CHILD_FIELDS,
    DOCUMENT_FIELDS,
    DocTypeSchema,
    FieldSchema,
    SatelliteSchema,
)
from federation.contract.union import contract_of
from federation.lake.log import CommitLog
from federation.lake.manifest import Breach, CompletedWalk, DocTypeState, Hold, OpenWalk, Package, Position
from federation.lake.packages import ALIAS_SCHEMA, DROPPED_SCHEMA, QUARANTINE_SCHEMA
from federation.lake.place import LakePlace
from federation.lake.run import LakeRun, new_run_id
from federation.lake.storage import open_lake
from federation.mothership.interface import MergeReport
from federation.mothership.system_tables import ALIAS, FRESHNESS, QUARANTINE, TOMBSTONE

INVOICE, ORDER, ITEM, TAX = "Sales Invoice", "Sales Order", "Sales Item", "Sales Tax"
START = datetime(2026, 3, 1, 12, tzinfo=UTC)
Fields = Mapping[str, Mapping[str, str]]

FIELDS: Fields = {
    INVOICE: {"customer": "Link", "total": "Currency"},
    ORDER: {"customer": "Link"},
    ITEM: {"item": "Link", "qty": "Int"},
    TAX: {"rate": "Percent"},
}
TABLES: Fields = {INVOICE: {"items": ITEM, "taxes": TAX}, ORDER: {"items": ITEM}}


def at(tick: int) -> datetime:
    """The instant of a tick, aware and in UTC."""
    return START + timedelta(seconds=tick)


def naive(tick: int) -> datetime:
    """The same instant as columns hold it."""
    return at(tick).replace(tzinfo=None)


class KeepAll:
    """The policy of those who hold nothing back."""

    def keeps(self, satellite: str, asked: AskedField, /) -> bool:
        return True

    def hashes(self, satellite: str, asked: AskedField, /) -> bool:
        return False

    def masks(self, satellite: str, asked: AskedField, /) -> bool:
        return False


@dataclass(frozen=True)
class Document:
    """A state of a document, and when it was observed."""

    name: str
    tick: int
    values: Mapping[str, object] = field(default_factory=dict)
    children: Mapping[str, Sequence[Mapping[str, object]]] = field(default_factory=dict)


def satellite_schema(satellite: str, fields: Fields, tables: Fields) -> SatelliteSchema:
    child_doctypes = {child for children in tables.values() for child in children.values()}
    doctypes = {}
    for doctype, own in fields.items():
        common = DOCUMENT_FIELDS + (CHILD_FIELDS if doctype in child_doctypes else ())
        known = {name: FieldSchema(name, (kind,), label=label) for name, kind, label in common}
        known |= {name: FieldSchema(name, (kind,), label=name.title()) for name, kind in own.items()}
        doctypes[doctype] = DocTypeSchema(
            doctype, is_child=doctype in child_doctypes, fields=known, tables=dict(tables.get(doctype, {}))
        )
    return SatelliteSchema(satellite, doctypes)


class Site:
    """A satellite's lake, filled one commit at a time."""

    def __init__(
        self, lake: Path | str, satellite: str = "north", fields: Fields = FIELDS, tables: Fields = TABLES
    ) -> None:
        self.satellite = satellite
        self.lake = lake
        self.folder = open_lake(LakePlace(str(lake)), satellite)
        self.log = CommitLog(self.folder)
        self.describe(fields, tables)

    def describe(self, fields: Fields, tables: Fields = TABLES) -> None:
        """Say anew which DocTypes and fields the site has; the next commit brings it."""
        self.fields = fields
        self.schema = satellite_schema(self.satellite, fields, tables)

    def commit(
        self,
        doctype: str = INVOICE,
        documents: Sequence[Document] = (),
        *,
        gone: Mapping[str, int] | None = None,
        aside: Mapping[str, int] | None = None,
        without: Sequence[str] = (),
        walk: str = "",
        complete: bool = True,
        through: int | None = None,
        pending: Sequence[str] = (),
        seen: Mapping[str, int] | None = None,
        aliases: Sequence[tuple[str, str, int]] = (),
        patches: Mapping[str, Sequence[Mapping[str, object]]] | None = None,
        compared: int | None = None,
        held: int = 0,
        dropped: Mapping[str, int] | None = None,
    ) -> Package | None:
        """Write one package and commit it.

        Args:
            doctype: of the documents.
            documents: states that were read.
            gone: name → tick of documents found absent.
            aside: name → tick of documents set aside.
            without: fields, or child DocTypes, that the package doesn't cover.
            walk: the walk that the package belongs to, by default one of its own.
            complete: the walk ends with this commit.
            through: the tick as of which it is complete then.
            pending: names that stay to be read again.
            seen: name → tick of documents found as known.
            aliases: (former name, name, tick).
            patches: DocType → rows with the keys of a patch and the columns to set.
            compared: the tick at which the last complete pass began.
            held: rows for which an expectation holds the package back.
            dropped: name → tick of the version set aside that somebody gave up.
        """
        run = LakeRun.open(self.folder, "rest", new_run_id(at(0)), now=lambda: at(0))
        run.describe(self.schema)
        walk = walk or f"{run.run_id}/walk"
        writer = run.package(doctype, batch=1, walk=walk, tables=self._tables(doctype, without))
        if documents:
            tables = self._tables(doctype, without)
            writer.append({name: self._rows(table, doctype, documents, without) for name, table in tables.items()})
        for name, tick in (gone or {}).items():
            writer.add_tombstones([name], at(tick))
        writer.add_quarantined(
            pa.Table.from_pylist([_misfit(*one) for one in (aside or {}).items()], QUARANTINE_SCHEMA)
        )
        for name, tick in (seen or {}).items():
            writer.add_seen(pa.array([name]), at(tick))
        renamed = [(old, new, naive(tick)) for old, new, tick in aliases]
        writer.add_aliases(
            pa.Table.from_pylist([dict(zip(ALIAS_SCHEMA.names, one, strict=True)) for one in renamed], ALIAS_SCHEMA)
        )
        given_up = [{"name": name, "observed": naive(tick), "digest": "-"} for name, tick in (dropped or {}).items()]
        writer.add_dropped(pa.Table.from_pylist(given_up, DROPPED_SCHEMA))
        for table, rows in (patches or {}).items():
            carried = self._tables(doctype, ())[table].schema
            columns = [name for name in carried.names if any(name in row for row in rows)]
            writer.add_patch(table, pa.Table.from_pylist(list(rows), pa.schema([carried.field(c) for c in columns])))
        package = writer.finish()
        instant = at(through) if through is not None else at(0)
        state = run.state(doctype)
        if package and held:
            breach = Breach("expect_column_values_to_not_be_null", "customer", "Everybody has a name.", held)
            package = replace(package, hold=Hold((breach,), state.through))
        run.commit(
            packages=[package] if package else [],
            completed=[CompletedWalk(walk, doctype, "changes", instant)] if complete else [],
            states={
                doctype: DocTypeState(
                    position=Position(pending=tuple(pending)),
                    open=None if complete else OpenWalk(walk, Position(), at(0)),
                    through=instant if complete else state.through,
                    compared=at(compared) if compared is not None else state.compared,
                )
            },
        )
        run.close()
        return package

    def release(self, doctype: str = INVOICE) -> None:
        """Let what is held back of a DocType be merged."""
        run = LakeRun.open(self.folder, "rest", new_run_id(at(0)), now=lambda: at(0))
        run.commit(released=[doctype])
        run.close()

    def _tables(self, doctype: str, without: Sequence[str]) -> dict[str, TableContract]:
        contract = contract_of(doctype, [self.schema], keeps=KeepAll().keeps, hashes=KeepAll().hashes)
        assert contract is not None
        return {table.doctype: table for table in contract.tables if table.doctype not in without}

    def _rows(
        self, table: TableContract, doctype: str, documents: Sequence[Document], without: Sequence[str]
    ) -> pa.Table:
        schema = pa.schema([column for column in table.schema if column.name not in without])
        rows = []
        for document in documents:
            common = {
                "satellite": self.satellite,
                "observed": naive(document.tick),
                "modified_utc": naive(document.tick),
            }
            if not table.is_child:
                values = {column_name(fieldname): value for fieldname, value in document.values.items()}
                rows.append({**common, "name": document.name, **values})
                continue
            owned = {"parent": document.name, "parenttype": doctype, "parentfield": "items"}
            rows += [{**common, **owned, **child} for child in document.children.get(table.doctype, ())]
        return pa.Table.from_pylist(rows, schema=schema)


def _misfit(name: str, tick: int) -> dict[str, object]:
    reason = {"fieldname": "total", "value": "x", "reason": "is no number", "document": "{}", "rule": ""}
    return {"name": name, "observed": naive(tick), **reason}


def merge(place: Place, *sites: Site, policy: KeepAll | None = None) -> list[MergeReport]:
    """Merge what the sites have on their lakes, in this order."""
    with place.writer() as mothership:
        return [mothership.merge(CommitLog(site.folder), policy or KeepAll()) for site in sites]


def ask(place: Place, sql: str) -> list[dict[str, object]]:
    """What the mothership answers, published or not."""
    with place.writer() as mothership:
        return mothership.query(sql).read_all().to_pylist()


def content(place: Place) -> dict[str, list[dict[str, object]]]:
    """Every row of every table, but for what tells when and how it was merged."""
    untold = {FRESHNESS: {"merged_at"}, TOMBSTONE: set(), QUARANTINE: {"package"}, ALIAS: set()}
    asked = {}
    for table, columns in untold.items():
        shown = ", ".join(f'"{column.name}"' for column in table.columns if column.name not in columns)
        asked[table.name] = f"SELECT {shown} FROM {table.name}"
    with place.writer() as mothership:
        asked |= {table: f'SELECT * FROM "{table}"' for table in mothership.tables().values()}
        found = {table: mothership.query(sql).read_all().to_pylist() for table, sql in asked.items()}
    return {table: sorted(rows, key=in_order) for table, rows in found.items()}


def in_order(row: Mapping[str, object]) -> list[str]:
    """A key that puts rows in order of satellite, name and the rest: databases differ about where a NULL comes."""
    first = ("satellite", "doctype", "name", "observed")
    return [str(row[name]) for name in (*first, *sorted(row)) if name in row]
