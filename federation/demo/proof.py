"""Proof: every table of the mothership against every site, document by document, as a report."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import duckdb

from federation.demo.comparison import TableDifference, compare_table
from federation.demo.fleet import DemoFleet, DemoSite
from federation.demo.world.truth import site_documents
from federation.policy.fleet import FleetPolicy
from federation.settings.model import Settings


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
    policy = FleetPolicy(settings)
    with duckdb.connect(str(settings.mothership_file), read_only=True) as mothership:
        tables = dict(mothership.execute("SELECT doctype, table_name FROM federation_table ORDER BY 1").fetchall())
        for site in fleet.sites:
            yield SiteProof(site.name, tuple(_compare(site, tables, policy, mothership)))


def _compare(
    site: DemoSite, tables: dict[str, str], policy: FleetPolicy, mothership: duckdb.DuckDBPyConnection
) -> Iterator[TableDifference]:
    with site.documents() as documents:
        for doctype, table in tables.items():
            if doctype not in documents.store.doctypes():
                continue
            fields = documents.store.meta(doctype).columns
            held_back = {
                field
                for field, fieldtype in fields.items()
                if not policy.keeps(site.name, doctype, field, fieldtype)
                or policy.hashes(site.name, doctype, field, fieldtype)
            }
            truth = site_documents(documents.store, doctype)
            yield compare_table(truth, mothership, table, site.name, doctype=doctype, held_back=held_back)
