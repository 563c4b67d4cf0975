"""Merge: the pending packages of one DocType of one satellite become rows, in one transaction with the ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from federation.contract.columns import Contract, TableContract
from federation.contract.satellite_schema import DocTypeSchema, SatelliteSchema
from federation.mothership.duckdb.aside import record_aliases, record_quarantine, record_tombstones
from federation.mothership.duckdb.freshness import write_freshness
from federation.mothership.duckdb.ledger import count_generation, write_ledger
from federation.mothership.duckdb.patch import apply_patches
from federation.mothership.duckdb.rows import TableChange, replace_children, replace_parents, table_change
from federation.mothership.duckdb.schema import StoredTable
from federation.mothership.duckdb.sql import FILE_COLUMNS, transaction
from federation.mothership.duckdb.stage import Target, stage
from federation.mothership.errors import MergeFailed
from federation.mothership.package_files import ReadyPackage
from federation.mothership.plan import DocTypePlan, groups


@dataclass(slots=True)
class Counts:
    """What the merge of one DocType did to documents."""

    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    ignored: int = 0
    quarantined: int = 0
    rows: int = 0


def merge_doctype(
    target: Target,
    contract: Contract,
    schema: SatelliteSchema,
    plan: DocTypePlan,
    packages: Sequence[ReadyPackage],
    *,
    source: str,
) -> Counts:
    """Merge the packages of a plan; on an error nothing of them is merged.

    Raises:
        MergeFailed: a package can't be read by DuckDB.

    Args:
        target: the tables, evolved for the contract and the packages.
        contract: of the DocType, over all satellites.
        schema: what the satellite itself says of the DocType and its child DocTypes.
        plan: whose packages these are.
        packages: with all their files, in order.
        source: the log that they come from.
    """
    _refuse_reserved_words(target, packages)
    counts = Counts()
    columns = {table.doctype: _Columns.of(table, schema.doctypes.get(table.doctype)) for table in contract.tables}
    connection = target.connection
    with transaction(connection):
        for group in groups(packages):
            _merge_group(target, group, columns, counts)
        now = datetime.now(UTC)
        write_ledger(connection, target.satellite, source, plan.packages, now)
        counts.rows = write_freshness(connection, target.satellite, plan, target.parent, now)
        count_generation(connection)
    return counts


def _refuse_reserved_words(target: Target, packages: Sequence[ReadyPackage]) -> None:
    """Refuse columns that would stand for the place of a row in DuckDB's view of a file."""
    files = (file for package in packages for file in (*package.tables.values(), *package.patches.values()))
    names = {name for file in files for name in file.schema.names}
    if taken := sorted(names & FILE_COLUMNS):
        raise MergeFailed(
            target.satellite,
            target.doctype,
            f"DuckDB takes its field `{taken[0]}` for a word of its own. Withhold the field by a rule of the policy.",
        )


@dataclass(frozen=True, slots=True)
class _Columns:
    """Columns of the contract, and those among them that the satellite has or had."""

    contracted: frozenset[str]
    had: frozenset[str]

    @classmethod
    def of(cls, table: TableContract, version: DocTypeSchema | None) -> _Columns:
        fields = {fieldname.casefold() for fieldname in version.fields} if version else set()
        return cls(
            frozenset(column.name for column in table.columns),
            frozenset(column.name for column in table.columns if column.fieldname.casefold() in fields),
        )


def _merge_group(
    target: Target, group: Sequence[ReadyPackage], columns: Mapping[str, _Columns], counts: Counts
) -> None:
    if patches := group[0].patches:
        apply_patches(target, patches, {doctype: known.contracted for doctype, known in columns.items()})
        return
    staged = stage(target, group)
    deleted, updated = replace_parents(target, _change(target.parent, group, columns), overtaken=staged.overtaken > 0)
    for table in target.children:
        replace_children(target, table, _change(table, group, columns))
    record_tombstones(target)
    record_aliases(target, group)
    counts.quarantined += record_quarantine(target, group)
    counts.deleted += deleted
    counts.updated += updated
    counts.inserted += staged.documents - updated
    counts.ignored += staged.overtaken + staged.stale_graves


def _change(table: StoredTable, group: Sequence[ReadyPackage], columns: Mapping[str, _Columns]) -> TableChange | None:
    known = columns[table.doctype]
    return table_change(table, group, known.contracted, known.had)
