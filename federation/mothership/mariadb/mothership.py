"""Mothership: the MariaDB writer as one thing, from the lake's log to what analysts see."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Final, Self

import duckdb
import pyarrow as pa
from pymysql.constants import ER

from federation.contract.columns import Contract, TableContract
from federation.contract.satellite_schema import SatelliteSchema
from federation.lake.log import CommitLog
from federation.mothership.dictionary import entries
from federation.mothership.duckdb.database import first_line
from federation.mothership.engine import Counts, DocTypeMerge
from federation.mothership.errors import MergeFailed, MothershipUnavailable
from federation.mothership.freshness import read_freshness
from federation.mothership.interface import Changed, FieldPolicy, Freshness, MergeReport, TableColumns
from federation.mothership.ledger import count_generation, read_cursor
from federation.mothership.mariadb import views
from federation.mothership.mariadb.bench import bench, with_room
from federation.mothership.mariadb.connection import MariadbConnection
from federation.mothership.mariadb.database import MariadbAddress, MariadbDatabase, MariadbLimits
from federation.mothership.mariadb.failures import (
    SERVER_ERRORS,
    LoadRefused,
    ServerRefused,
    code_of,
    explained,
    has_waited,
    is_about_values,
    reason_of,
)
from federation.mothership.mariadb.keys import Target
from federation.mothership.mariadb.longest import longest_texts
from federation.mothership.mariadb.merge import merge_doctype, still_due
from federation.mothership.mariadb.reader import MariadbReader
from federation.mothership.mariadb.refusal import TableRefused
from federation.mothership.mariadb.schema import create_system_tables, describe_table, ensure_indexes, ensure_table
from federation.mothership.merge_pending import merge_pending
from federation.mothership.package_files import ReadyFile, ReadyPackage
from federation.mothership.sql import Connection
from federation.mothership.tables import StoredTable, read_tables

_LOG: Final = logging.getLogger(__name__)

_COLUMNS: Final = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = database()"

Indexes = Mapping[str, Sequence[Sequence[str]]]
"""DocType → the columns of each index, in the place of those chosen by rule."""

_SLOWLY: Final = (
    "The server has local_infile switched off: rows were sent by INSERT, several times slower than by LOAD DATA LOCAL. "
    "Set `local_infile = 1` on the server, as deploy/mariadb.cnf does."
)


class MariadbMothership:
    """The mothership in a MariaDB database. A context manager; see `federation.mothership.interface.Mothership`.

    What is merged is seen by analysts when its transaction is committed: nothing is left to publish.

    Args:
        address: where it is.
        who: who writes, for those who wait: "sync of north".
        limits: how long it waits for others.
        indexes: what the settings say of indexes.
        jurisdictions: database of views → the satellites that it shows.
    """

    def __init__(
        self,
        address: MariadbAddress,
        *,
        who: str,
        limits: MariadbLimits | None = None,
        indexes: Indexes | None = None,
        jurisdictions: Mapping[str, Collection[str]] | None = None,
    ) -> None:
        self._database = MariadbDatabase(address, who, limits)
        self._indexes = indexes or {}
        self._jurisdictions = jurisdictions or {}
        self._limits = limits
        self._reader: MariadbReader | None = None

    def __enter__(self) -> Self:
        self._database.open()
        try:
            with explained("open", self._database.address.place):
                create_system_tables(self._database.connection, self._database.address.place)
        except BaseException:
            self._database.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._reader is not None:
            self._reader.close()
        self._database.close()

    def cursor(self, satellite: str, source: str) -> int:
        """Return the commit up to which a log is settled: a reader of the log may begin behind it."""
        with explained("read", self._database.address.place):
            return read_cursor(self._database.connection, satellite, source)

    def query(self, sql: str) -> pa.RecordBatchReader:
        """Run one SELECT on what is merged; end its stream before the next call."""
        if self._reader is None:
            # A connection of its own: the writer's lock doesn't hang on whether somebody reads to the end.
            self._reader = MariadbReader(self._database.address, self._limits)
        return self._reader.query(sql)

    def freshness(self) -> list[Freshness]:
        """Return the freshness of every satellite and DocType, in this order."""
        with explained("read", self._database.address.place):
            return read_freshness(self._database.connection)

    def tables(self) -> dict[str, str]:
        """Return DocType → table, child DocTypes included."""
        with explained("read", self._database.address.place):
            return read_tables(self._database.connection)

    def publish(self, *, force: bool = False) -> bool:  # noqa: ARG002
        """Return that there is nothing to show that analysts don't see already."""
        return False

    def change(self, work: Callable[[Connection, TableColumns], Changed]) -> Changed:
        """Do `work` on the tables in one transaction; where the server was in the way, all of it again."""

        def once(connection: MariadbConnection) -> Changed:
            columns: dict[str, set[str]] = {}
            for table, column in connection.run(_COLUMNS):
                columns.setdefault(table, set()).add(column)
            done = work(connection, {table: frozenset(some) for table, some in columns.items()})
            count_generation(connection)
            return done

        with explained("change", self._database.address.place):
            return self._database.in_transaction(once)

    def forget(self) -> None:
        """Leave it to the server, whose purge takes removed rows out of its files."""

    def merge(self, log: CommitLog, policy: FieldPolicy) -> MergeReport:
        """Merge what is pending in a satellite's log: one transaction a DocType."""
        with TemporaryDirectory(prefix="federation-") as folder, explained("merge", log.folder.satellite):
            engine = _Engine(self._database, self._indexes, Path(folder, "packages"))
            report = merge_pending(engine, log, policy)
            remarks = [*engine.remarks, *views.refresh(self._database.connection, self._jurisdictions)]
            if report.merged and not self._database.connection.local_infile:
                remarks.append(_SLOWLY)
        for remark in remarks:
            _LOG.warning(remark)
        return replace(report, remarks=(*report.remarks, *remarks))


class _Engine:
    """MariaDB's part of a merge; see `federation.mothership.engine.Engine`."""

    def __init__(self, database: MariadbDatabase, indexes: Indexes, scratch: Path) -> None:
        self._database = database
        self._indexes = indexes
        self.scratch = scratch
        self.remarks: list[str] = []

    @property
    def connection(self) -> MariadbConnection:
        return self._database.connection

    @contextmanager
    def contained(self, satellite: str, doctype: str) -> Iterator[None]:
        try:
            yield
        except (TableRefused, LoadRefused) as error:
            refusal = TableRefused.row_too_wide(error.table) if _is_row_too_wide(error.__cause__) else error
            raise MergeFailed(satellite, doctype, f"{str(refusal).rstrip('.')}. Other DocTypes go on.") from error
        except ServerRefused as error:
            # Who reads or changes this table all the time isn't in the way of the other tables.
            if error.__cause__ is None or not has_waited(error.__cause__):
                raise
            raise MergeFailed(satellite, doctype, f"{str(error).rstrip('.')}. Other DocTypes go on.") from error
        except duckdb.Error as error:
            raise MergeFailed(satellite, doctype, f"{first_line(error)}. Other DocTypes go on.") from error

    def ensure_tables(
        self,
        contract: Contract,
        schemas: Sequence[SatelliteSchema],
        policy: FieldPolicy,
        packages: Sequence[ReadyPackage],
    ) -> list[StoredTable]:
        carried = [files for package in packages for files in (package.tables, package.patches)]
        files = {
            table.doctype: [each[table.doctype] for each in carried if table.doctype in each]
            for table in contract.tables
        }
        longest = with_room(partial(_longest, files)) if packages else {}

        def ensured(table: TableContract, connection: MariadbConnection) -> StoredTable:
            schemas_of_files = [file.schema for file in files[table.doctype]]
            stored = ensure_table(connection, table, schemas_of_files, longest.get(table.doctype, {}))
            describe_table(connection, stored, entries(stored.name, table, schemas, policy))
            return stored

        return [self._database.persistently(partial(ensured, table)) for table in contract.tables]

    def merge(self, merge: DocTypeMerge, tables: Sequence[StoredTable]) -> Counts:
        done = with_room(lambda memory_mb: self._merged(merge, tables, memory_mb))
        self._look_after_indexes(merge.contract, tables)
        return done

    def _merged(self, merge: DocTypeMerge, tables: Sequence[StoredTable], memory_mb: int) -> Counts:
        parent, *children = tables
        counts = Counts()

        def work(connection: MariadbConnection) -> None:
            nonlocal counts
            with bench(memory_mb) as opened, _values_contained(merge):
                target = Target(connection, opened, merge.satellite, merge.doctype, parent, tuple(children))
                due = still_due(target, merge)
                if due is not None:
                    counts = merge_doctype(target, due)

        self._database.in_transaction(work)
        return counts

    def _look_after_indexes(self, contract: Contract, tables: Sequence[StoredTable]) -> None:
        """Make the indexes that are missing. What was merged is merged, so nothing that goes wrong here fails it."""
        for table, stored in zip(contract.tables, tables, strict=True):
            chosen = self._indexes.get(table.doctype)
            try:
                self._database.persistently(partial(ensure_indexes, contract=table, stored=stored, chosen=chosen))
            except (TableRefused, MothershipUnavailable) as error:
                self.remarks.append(f"{stored.name} is merged and has not all of its indexes: {error}")


@contextmanager
def _values_contained(merge: DocTypeMerge) -> Iterator[None]:
    """Let what the server finds wrong with values be the matter of the one DocType."""
    try:
        yield
    except SERVER_ERRORS as error:
        if _is_row_too_wide(error):
            raise TableRefused.row_too_wide(merge.doctype) from error
        if not is_about_values(error):
            raise
        raise MergeFailed(merge.satellite, merge.doctype, f"{reason_of(error)}. Other DocTypes go on.") from error


def _is_row_too_wide(error: BaseException | None) -> bool:
    return error is not None and code_of(error) == ER.TOO_BIG_ROWSIZE


def _longest(files: Mapping[str, Sequence[ReadyFile]], memory_mb: int) -> dict[str, dict[str, int]]:
    with bench(memory_mb) as opened:
        return {doctype: longest_texts(opened, of_table) for doctype, of_table in files.items()}
