"""Mothership: the DuckDB writer as one thing, from the lake's log to what analysts see."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

import duckdb
import pyarrow as pa

from federation.contract.columns import Contract
from federation.contract.satellite_schema import SatelliteSchema
from federation.lake.log import CommitLog
from federation.mothership.dictionary import entries
from federation.mothership.duckdb.anew import write_anew
from federation.mothership.duckdb.database import DuckdbLimits, WriterDatabase, explained, first_line
from federation.mothership.duckdb.merge import merge_doctype
from federation.mothership.duckdb.publish import publish
from federation.mothership.duckdb.published import stream
from federation.mothership.duckdb.schema import describe_table, ensure_table
from federation.mothership.duckdb.sql import DuckdbConnection
from federation.mothership.duckdb.stage import Target
from federation.mothership.engine import Counts, DocTypeMerge
from federation.mothership.errors import MergeFailed, MothershipError
from federation.mothership.freshness import read_freshness
from federation.mothership.interface import Changed, FieldPolicy, Freshness, MergeReport, TableColumns
from federation.mothership.ledger import count_generation, read_cursor
from federation.mothership.merge_pending import merge_pending
from federation.mothership.package_files import ReadyPackage
from federation.mothership.sql import Connection
from federation.mothership.tables import StoredTable, read_tables

_DEFAULT_LIMITS = DuckdbLimits()
_COLUMNS = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'main'"


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

    def change(self, work: Callable[[Connection, TableColumns], Changed]) -> Changed:
        """Do `work` on the tables in one transaction."""

        def once(connection: DuckdbConnection) -> Changed:
            with connection.transaction():
                columns: dict[str, set[str]] = {}
                for table, column in connection.run(_COLUMNS):
                    columns.setdefault(table, set()).add(column)
                done = work(connection, {table: frozenset(some) for table, some in columns.items()})
                count_generation(connection)
                return done

        with explained("change", str(self._database.writer_file)):
            return self._database.with_room(once)

    def forget(self) -> None:
        """Write the file anew: DuckDB leaves the bytes of removed rows in it."""
        write_anew(self._database)

    def merge(self, log: CommitLog, policy: FieldPolicy) -> MergeReport:
        """Merge what is pending in a satellite's log: one transaction a DocType."""
        with explained("merge", log.folder.satellite):
            report = merge_pending(_Engine(self._database), log, policy)
        return self._without_traces(report) if report.anew else report

    def _without_traces(self, report: MergeReport) -> MergeReport:
        """Let nothing of rows that were taken away by a changed policy lie in the file; what is merged is merged."""
        try:
            self._database.write_anew()
        except MothershipError as error:
            remark = (
                f"The policy changed, and parts of the file still hold what was there before: {error} Run a rebuild."
            )
            return replace(report, remarks=(*report.remarks, remark))
        return report


class _Engine:
    """DuckDB's part of a merge; see `federation.mothership.engine.Engine`."""

    def __init__(self, database: WriterDatabase) -> None:
        self._database = database
        self.scratch = database.file.with_name(f"{database.file.name}.scratch")

    @property
    def connection(self) -> DuckdbConnection:
        return self._database.connection

    @contextmanager
    def contained(self, satellite: str, doctype: str) -> Iterator[None]:
        try:
            yield
        except (
            duckdb.DataError,
            duckdb.IntegrityError,
            duckdb.ProgrammingError,
            duckdb.OutOfMemoryException,
            duckdb.TransactionException,
        ) as error:
            raise MergeFailed(satellite, doctype, f"{first_line(error)}. Other DocTypes go on.") from error

    def ensure_tables(
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
            describe_table(self.connection, stored, entries(stored.name, table, schemas, policy))
            tables.append(stored)
        return tables

    def merge(self, merge: DocTypeMerge, tables: Sequence[StoredTable]) -> Counts:
        parent, *children = tables

        def work(connection: DuckdbConnection) -> Counts:
            return merge_doctype(Target(connection, merge.satellite, merge.doctype, parent, tuple(children)), merge)

        return self._database.with_room(work)
