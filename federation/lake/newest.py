"""Newest: the rows of the newest version of every document of a DocType, over `current` and the packages after it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import duckdb

from federation.contract.names import NAME
from federation.lake.current import Current
from federation.lake.history import Committed
from federation.lake.lake_sql import VERSION, columns_by_file, heads_sql, parquet, scan_of, stored_heads_sql, union
from federation.lake.manifest import FileKind, Package
from federation.lake.packages import CHILD_KEYS, PATCH_KEYS
from federation.lake.storage import LakeFolder


@dataclass(frozen=True)
class Source:
    """Files of one table and one shape, as far as they hold newest versions.

    Attributes:
        columns: column → DuckDB type.
        covers: the tables that came with it: a child table that isn't among them is not known for its documents.
            None: all, as in `current`, which has no file for a table without rows.
        rows: what follows FROM; a row of a file is called `row`.
    """

    columns: Mapping[str, str]
    covers: frozenset[str] | None
    rows: str


@dataclass
class NewestVersions:
    """Which versions of documents are the newest, held in a table of an open DuckDB once `judge` was called.

    `current` holds the newest version of every document that no later package tells of. The others are in the table
    `news` (name, VERSION, accepted): few after a compaction. Accepted is a version whose rows are in a package that
    `counts`; an absence, a document set aside, and one of another walk that isn't complete are not.

    Attributes:
        current: the dataset; an empty one to look at packages alone.
        packages: those that came after it, whatever their walks.
        counts: tells the packages whose documents are taken for known.
    """

    connection: duckdb.DuckDBPyConnection
    folder: LakeFolder
    current: Current
    packages: Sequence[Committed]
    counts: Callable[[Package], bool]
    _stored: dict[str, str] = field(init=False)
    _columns: dict[str, dict[str, str]] = field(init=False)

    def __post_init__(self) -> None:
        self._stored = {
            file.table: self.folder.uri(file.path) for file in self.current.files if file.kind == "rows" and file.rows
        }
        self._counting = [each for each in self.packages if self.counts(each.package)]
        brought = [self._uris(("rows", "patch"), each) for each in self._counting]
        self._columns = columns_by_file(
            self.connection, [*self._stored.values(), *(uri for uris in brought for uri in uris)]
        )

    def versions(self, table: str) -> Iterator[Source]:
        """Yield the files that hold any accepted rows of the DocType or of a child DocType, overtaken ones included."""
        if stored := self._stored.get(table):
            yield Source(self._columns[stored], None, f"{parquet([stored])} AS row")
        for each in self._counting:
            for uri in self._uris(("rows",), each, table):
                yield Source(self._columns[uri], None, f"{parquet([uri])} AS row")

    def sources(self, table: str) -> Iterator[Source]:
        """Yield the files that hold the newest, accepted rows of the DocType or of a child DocType, as judged.

        Where only some documents were judged, the rows of the others say nothing.
        """
        owner = NAME if table == self.current.doctype else "parent"
        if stored := self._stored.get(table):
            rows = f"{parquet([stored])} AS row ANTI JOIN news ON news.name = row.{owner}"
            yield Source(self._columns[stored], None, rows)
        shapes: dict[tuple[frozenset[tuple[str, str]], frozenset[str]], list[Committed]] = {}
        for each in self._counting:
            covers = frozenset(file.table for file in each.package.files if file.kind == "rows")
            for uri in self._uris(("rows",), each, table):
                shapes.setdefault((frozenset(self._columns[uri].items()), covers), []).append(each)
        for (columns, covers), packages in shapes.items():
            scan = scan_of(self.folder, packages, "rows", table)
            if scan is not None:
                rows = (
                    f"({scan.sql(sorted(name for name, _ in columns))}) AS row "
                    f"JOIN news ON news.name = row.{owner} AND news.{VERSION} = row.{VERSION} AND news.accepted"
                )
                yield Source(dict(columns), covers, rows)

    def patched(self, tables: Mapping[str, Sequence[str]]) -> str:
        """Return a SELECT of the names of documents for which a patch sets any of these columns; `current` has its own.

        Args:
            tables: DocType or child DocType → columns.
        """
        selects = ["SELECT ''::VARCHAR AS name WHERE false"]
        for table, columns in tables.items():
            owner = NAME if table == self.current.doctype else "parent"
            uris = [
                uri
                for each in self._counting
                for uri in self._uris(("patch",), each, table)
                if (self._columns[uri].keys() - {*PATCH_KEYS, *CHILD_KEYS}) & {*columns}
            ]
            if uris:
                selects.append(f"SELECT {owner} AS name FROM {parquet(uris)}")
        return union(selects)

    def _uris(self, kinds: Sequence[FileKind], committed: Committed, table: str | None = None) -> list[str]:
        return [
            self.folder.uri(file.path)
            for file in committed.package.files
            if file.kind in kinds and file.rows and table in (None, file.table)
        ]

    def judge(self, among: str | None = None) -> None:
        """Find the newest versions.

        Args:
            among: a table of names (name): only those are judged, which spares the memory for all others.
        """
        doctype = self.current.doctype
        chosen = f"SEMI JOIN {among} USING (name)" if among else ""
        accepted = heads_sql(self.folder, self._counting, doctype, "rows")
        waiting = [each for each in self.packages if not self.counts(each.package)]
        others = union(
            [
                heads_sql(self.folder, waiting, doctype, "rows"),
                heads_sql(self.folder, self.packages, doctype, "tombstones", "quarantine"),
                stored_heads_sql(self.current.uris(self.folder, "quarantine")),
            ]
        )
        self.connection.execute(
            f"""
            CREATE OR REPLACE TEMP TABLE news AS
            SELECT name, newest // 2 AS {VERSION}, newest % 2 = 0 AS accepted FROM (
                SELECT name, max(version) AS newest FROM (
                    SELECT name, {VERSION} * 2 AS version FROM ({accepted}) {chosen}
                    UNION ALL SELECT name, {VERSION} * 2 + 1 FROM ({others}) {chosen}
                ) GROUP BY name
            )
            """
        )
        if not self.connection.execute("FROM news LIMIT 1").fetchall():
            return
        stored = f"FROM ({stored_heads_sql(self.current.uris(self.folder, 'heads'))}) {chosen}"
        self.connection.execute(
            f"DELETE FROM news USING ({stored}) AS stored "
            f"WHERE stored.name = news.name AND stored.{VERSION} > news.{VERSION}"
        )
