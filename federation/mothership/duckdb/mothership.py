"""Mothership: the DuckDB writer as one thing, from the lake's log to what analysts see."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

import duckdb
import pyarrow as pa

from federation.contract.columns import Contract
from federation.contract.satellite_schema import SatelliteSchema
from federation.contract.union import contract_of
from federation.lake.history import History
from federation.lake.log import CommitLog
from federation.lake.schemas import read_schema
from federation.lake.storage import LakeFolder
from federation.mothership.dictionary import entries
from federation.mothership.duckdb.database import DuckdbLimits, WriterDatabase, explained, first_line
from federation.mothership.duckdb.freshness import read_freshness, refresh
from federation.mothership.duckdb.ledger import merged_packages, read_cursor, write_cursor
from federation.mothership.duckdb.merge import merge_doctype
from federation.mothership.duckdb.publish import publish
from federation.mothership.duckdb.published import read_tables, stream
from federation.mothership.duckdb.satellite_schemas import confirm_schema, read_schemas, schema_sha256, write_schema
from federation.mothership.duckdb.schema import StoredTable, describe_table, ensure_table
from federation.mothership.duckdb.stage import Target
from federation.mothership.errors import MergeFailed
from federation.mothership.interface import FieldPolicy, Freshness, MergeReport, MergeResult
from federation.mothership.package_files import ReadyPackage, ready
from federation.mothership.plan import DocTypePlan, plan, settled

_DEFAULT_LIMITS = DuckdbLimits()


class DuckdbMothership:
    """The mothership in one DuckDB file. A context manager; see `federation.mothership.interface.Mothership`.

    Args:
        file: what analysts open; everything else that is written lies beside it.
        who: who writes, for those who wait: "sync of north".
        limits: what it may take.
    """

    def __init__(self, file: Path, *, who: str, limits: DuckdbLimits = _DEFAULT_LIMITS) -> None:
        self._database = WriterDatabase(file, who, limits)
        self._limits = limits
        self._scratch = file.with_name(f"{file.name}.scratch")

    def __enter__(self) -> Self:
        self._database.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close(healthy=error is None)

    def cursor(self, satellite: str, source: str) -> int:
        """Return the commit up to which a log is settled: a reader of the log may begin behind it."""
        return read_cursor(self._database.connection, satellite, source)

    def query(self, sql: str) -> pa.RecordBatchReader:
        """Run one SELECT on what is merged, published or not; end its stream before the next call."""
        return stream(self._database.connection, sql)

    def freshness(self) -> list[Freshness]:
        """Return the freshness of every satellite and DocType, in this order."""
        return read_freshness(self._database.connection)

    def tables(self) -> dict[str, str]:
        """Return DocType → table, child DocTypes included."""
        return read_tables(self._database.connection)

    def publish(self, *, force: bool = False) -> bool:
        """Show analysts what was merged; return whether there was anything new to show."""
        return publish(self._database, seconds=0 if force else self._limits.publish_seconds)

    def merge(self, log: CommitLog, policy: FieldPolicy) -> MergeReport:
        """Merge what is pending in a satellite's log: one transaction a DocType."""
        satellite = log.folder.satellite
        with explained("merge", satellite):
            cursor = self.cursor(satellite, log.source)
            history = log.since(cursor)
            merged = merged_packages(self._database.connection, satellite, log.source, history.after)
            new_schema = self._take_schema(log.folder, history)
            results: list[MergeResult] = []
            failed: dict[str, MergeFailed] = {}
            unchanged: list[DocTypePlan] = []
            for planned in plan(history, merged):
                if not planned.packages:
                    unchanged.append(planned)
                    continue
                try:
                    results.append(self._merge_doctype(log, planned, policy))
                except MergeFailed as error:
                    failed[planned.doctype] = error
            self._describe(unchanged, policy, anew=bool(new_schema))
            if new_schema:
                confirm_schema(self._database.connection, satellite, new_schema)
            refresh(self._database.connection, satellite, unchanged)
            merged |= merged_packages(self._database.connection, satellite, log.source, history.after)
            reached = max(cursor, settled(history, merged))
            if reached != cursor:
                write_cursor(self._database.connection, satellite, log.source, reached)
        return MergeReport(tuple(results), failed, reached)

    def _take_schema(self, folder: LakeFolder, history: History) -> str:
        """Take over what the satellite says of itself now; return the name of that schema, "" where it is known."""
        sha256 = history.newest.schema if history.newest else ""
        if not sha256 or sha256 == schema_sha256(self._database.connection, folder.satellite):
            return ""
        write_schema(self._database.connection, read_schema(folder, sha256))
        return sha256

    def _merge_doctype(self, log: CommitLog, planned: DocTypePlan, policy: FieldPolicy) -> MergeResult:
        started = time.perf_counter()
        satellite, doctype = log.folder.satellite, planned.doctype
        self._scratch.mkdir(exist_ok=True)
        try:
            packages = [ready(log.folder, committed, self._scratch) for committed in planned.packages]
            schemas = read_schemas(self._database.connection, doctype)
            contract = contract_of(doctype, schemas, keeps=policy.keeps, hashes=policy.hashes)
            own = next((schema for schema in schemas if schema.satellite == satellite), None)
            if contract is None or own is None:
                raise MergeFailed(satellite, doctype, "its fields are not known. Sync the satellite again.")
            parent, *children = self._ensure_tables(contract, schemas, policy, packages)
            counts = self._database.with_room(
                lambda connection: merge_doctype(
                    Target(connection, satellite, doctype, parent, tuple(children)),
                    contract,
                    own,
                    planned,
                    packages,
                    source=log.source,
                )
            )
        except (
            duckdb.DataError,
            duckdb.IntegrityError,
            duckdb.ProgrammingError,
            duckdb.OutOfMemoryException,
            duckdb.TransactionException,
        ) as error:
            raise MergeFailed(satellite, doctype, f"{first_line(error)}. Other DocTypes go on.") from error
        finally:
            shutil.rmtree(self._scratch, ignore_errors=True)
        return MergeResult(
            satellite,
            doctype,
            table=parent.name,
            packages=len(packages),
            inserted=counts.inserted,
            updated=counts.updated,
            deleted=counts.deleted,
            ignored=counts.ignored,
            quarantined=counts.quarantined,
            rows=counts.rows,
            as_of=planned.as_of,
            seconds=time.perf_counter() - started,
        )

    def _describe(self, plans: Sequence[DocTypePlan], policy: FieldPolicy, *, anew: bool) -> None:
        """Bring the tables of DocTypes without packages up to what the satellite says of them now."""
        known = self.tables()
        for planned in plans:
            if (planned.doctype in known and not anew) or (planned.doctype not in known and planned.as_of is None):
                continue
            schemas = read_schemas(self._database.connection, planned.doctype)
            contract = contract_of(planned.doctype, schemas, keeps=policy.keeps, hashes=policy.hashes)
            if contract is not None:
                self._ensure_tables(contract, schemas, policy, ())

    def _ensure_tables(
        self,
        contract: Contract,
        schemas: Sequence[SatelliteSchema],
        policy: FieldPolicy,
        packages: Sequence[ReadyPackage],
    ) -> list[StoredTable]:
        tables = []
        self._database.make_room_for(max(len(table.columns) for table in contract.tables))
        for table in contract.tables:
            carried = [
                files[table.doctype].schema
                for package in packages
                for files in (package.tables, package.patches)
                if table.doctype in files
            ]
            stored = self._database.with_room(partial(ensure_table, contract=table, carried=carried))
            describe_table(self._database.connection, stored, entries(stored.name, table, schemas, policy))
            tables.append(stored)
        return tables
