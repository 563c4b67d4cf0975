"""Proof: every table of the mothership against every site, document by document, as a report."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from federation.contract.asked_field import AskedField
from federation.contract.names import SATELLITE
from federation.demo.comparison import TableDifference, compare_table
from federation.demo.fleet import DemoFleet, DemoSite
from federation.demo.site.meta import SiteMeta
from federation.demo.site.store import SiteStore
from federation.demo.world.truth import site_documents
from federation.merging import open_reader
from federation.mothership.errors import MothershipUnavailable
from federation.mothership.interface import Readable
from federation.mothership.sql import identifier, literal
from federation.policy.fleet import FleetPolicy
from federation.settings.model import Settings
from federation.settings.selection import Selection


@dataclass(frozen=True, slots=True)
class SiteProof:
    """How the mothership compares with one site.

    Attributes:
        tables: one result a DocType and child DocType that the site has.
    """

    satellite: str
    tables: tuple[TableDifference, ...]

    @property
    def same(self) -> bool:
        """Every table equals the site's."""
        return all(table.same for table in self.tables)

    @property
    def rows(self) -> int:
        """Documents and child rows compared."""
        return sum(table.rows for table in self.tables)

    @property
    def cells(self) -> int:
        """Values compared."""
        return sum(table.rows * table.columns for table in self.tables)


def prove(fleet: DemoFleet, settings: Settings) -> Iterator[SiteProof]:
    """Compare what analysts see with what each site holds, read past its API."""
    policy = FleetPolicy(settings, "mothership")
    wanted = {satellite.name: settings.selection(satellite) for satellite in settings.enabled_satellites()}
    with open_reader(settings) as mothership:
        if mothership is None:
            raise MothershipUnavailable("prove", settings.mothership.place, "nothing was merged")
        for site in fleet.sites:
            yield SiteProof(site.name, tuple(_compare(site, wanted[site.name], policy, mothership)))


def _compare(
    site: DemoSite,
    wanted: Selection,
    policy: FleetPolicy,
    mothership: Readable,
) -> Iterator[TableDifference]:
    tables = mothership.tables()
    with site.documents() as documents:
        store = documents.store
        for doctype in _expected(store, wanted):
            held_back = {
                asked.fieldname for asked in _asked(store.meta(doctype)) if not policy.keeps_whole(site.name, asked)
            }
            truth = _truth(store, doctype, wanted)
            if doctype in tables:
                table = tables[doctype]
                with _copied(mothership, table, site.name) as bench:
                    yield compare_table(truth, bench, table, site.name, doctype=doctype, held_back=held_back)
            elif truth.num_rows:
                yield TableDifference(doctype, truth.num_rows, 0, truth.num_rows, 0, 0)


def _asked(meta: SiteMeta) -> Iterator[AskedField]:
    for fieldname, fieldtype in meta.columns.items():
        yield AskedField(meta.name, fieldname, fieldtype, meta.permlevels.get(fieldname, 0))


@contextmanager
def _copied(mothership: Readable, table: str, satellite: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """A site's rows of a table, whatever database they come from."""
    held = mothership.query(f"SELECT * FROM {identifier(table)} WHERE {SATELLITE} = {literal(satellite)}")
    with duckdb.connect() as bench:
        bench.register("federation_held", held)
        bench.execute(f"CREATE TABLE {identifier(table)} AS FROM federation_held")
        yield bench


def _truth(store: SiteStore, doctype: str, wanted: Selection) -> pa.Table:
    """What the mothership must hold of a DocType: of a child table, the rows of wanted parents only."""
    rows = site_documents(store, doctype)
    if not store.meta(doctype).is_table:
        return rows
    return rows.filter(pc.is_in(rows["parenttype"], pa.array(_parents(store, wanted), pa.string())))


def _expected(store: SiteStore, wanted: Selection) -> list[str]:
    """DocTypes of a site that the mothership must hold: those wanted, and their child tables."""
    parents = [store.meta(doctype) for doctype in _parents(store, wanted)]
    return sorted({name for meta in parents for name in (meta.name, *store.tables(meta).values())})


def _parents(store: SiteStore, wanted: Selection) -> list[str]:
    metas = map(store.meta, store.doctypes())
    return [meta.name for meta in metas if not meta.is_table and wanted.matches(meta.name, str(meta.wire["module"]))]
