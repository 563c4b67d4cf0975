"""Engine: what one database adds to the merge that all share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from federation.contract.columns import Contract
from federation.contract.satellite_schema import SatelliteSchema
from federation.mothership.interface import FieldPolicy
from federation.mothership.package_files import ReadyPackage
from federation.mothership.plan import DocTypePlan
from federation.mothership.sql import Connection
from federation.mothership.tables import StoredTable


@dataclass(slots=True)
class Counts:
    """What the merge of one DocType did to documents; `rows` are those of the satellite in the table after it."""

    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    ignored: int = 0
    quarantined: int = 0
    rows: int = 0


@dataclass(frozen=True)
class DocTypeMerge:
    """The packages of one DocType of one satellite that are merged in one transaction.

    Attributes:
        satellite: whose they are.
        source: the log that they come from.
        plan: what is to be done.
        packages: those of the plan, with all their files.
        contract: of the DocType, over all satellites.
        schema: what the satellite itself says of the DocType and its child DocTypes.
        treatments: field → how it is treated in these packages and in all rows that stand afterwards.
        anew: the packages are all that the lake has, and what stands goes before they are merged.
    """

    satellite: str
    source: str
    plan: DocTypePlan
    packages: Sequence[ReadyPackage]
    contract: Contract
    schema: SatelliteSchema
    treatments: Mapping[str, str]
    anew: bool = False

    @property
    def doctype(self) -> str:
        """The DocType of the documents."""
        return self.plan.doctype


class Engine(Protocol):
    """One database, open for writing. Where several connections follow each other, `connection` is today's."""

    @property
    def connection(self) -> Connection:
        """The database."""

    @property
    def scratch(self) -> Path:
        """A folder for files that are on this machine while they are merged; made and removed by the merge."""

    def contained(self, satellite: str, doctype: str) -> AbstractContextManager[None]:
        """Turn the database's errors that concern the packages of one DocType into `MergeFailed`, and no others."""

    def ensure_tables(
        self,
        contract: Contract,
        schemas: Sequence[SatelliteSchema],
        policy: FieldPolicy,
        packages: Sequence[ReadyPackage],
    ) -> list[StoredTable]:
        """Make, widen and describe the tables of a contract; return them, the parent's first."""

    def merge(self, merge: DocTypeMerge, tables: Sequence[StoredTable]) -> Counts:
        """Merge packages in one transaction with the ledger, into tables evolved for them; on an error nothing is."""
