"""The site's database: one SQLite file with a table per DocType, named like Frappe's, its values as on the wire."""

from __future__ import annotations

import json
import sqlite3
import threading
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from federation.demo.site.collation import collation_key
from federation.demo.site.core_doctypes import CORE_MODIFIED, core_doctypes
from federation.demo.site.customisation import customised
from federation.demo.site.errors import MissingDocTypeError
from federation.demo.site.manners import MANNERS, NEWEST, Manners
from federation.demo.site.meta import OPTIONAL_COLUMNS, SiteMeta, sql_type
from federation.demo.site.sql_functions import register_functions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

NAME_KEY = "~name"
PARENT_KEY = "~parent"

_OWN_TABLES = """
CREATE TABLE "~doctype" (name TEXT PRIMARY KEY, meta TEXT NOT NULL);
CREATE TABLE "~series" (prefix TEXT PRIMARY KEY, current INTEGER NOT NULL);
CREATE TABLE "~user" (name TEXT PRIMARY KEY, api_key TEXT UNIQUE, api_secret TEXT, grants TEXT NOT NULL);
CREATE TABLE "tabSingles" (doctype TEXT, field TEXT, value, PRIMARY KEY (doctype, field));
"""


def quoted(identifier: str) -> str:
    """An identifier quoted for SQLite."""
    return '"' + identifier.replace('"', '""') + '"'


def table_of(doctype: str) -> str:
    """The quoted name of a DocType's table."""
    return quoted(f"tab{doctype}")


class SiteStore:
    """One site's data. Any thread may read (a connection each); writers take turns.

    Values are stored in wire form: Datetime text "YYYY-MM-DD HH:MM:SS[.ffffff]" in the site's local time, without the
    fraction when it is zero; Date text; Int and Check as integers; Float, Currency and Percent as floats.
    Two columns are the store's own, outside Frappe's namespace: `~name` and, in child tables, `~parent`, the sort keys
    of `name` and `parent` in MariaDB's collation.

    Args:
        path: the file; made anew where there is none.
        version: Frappe's major version, 13, 14 or 15, for a new file; an existing one keeps its own.
    """

    def __init__(self, path: Path, *, version: int = NEWEST) -> None:
        self.path = path
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._write_lock = threading.RLock()
        self._metas: tuple[int, dict[str, SiteMeta]] = (-1, {})
        is_new = not path.exists()
        path.parent.mkdir(parents=True, exist_ok=True)
        if is_new:
            self.connection().executescript(f"PRAGMA application_id = {version};{_OWN_TABLES}")
            core = core_doctypes()
            for meta in (*core, core[0]):  # DocType itself again, once there is a DocField to list its fields in
                self.create_doctype(meta)

    @cached_property
    def manners(self) -> Manners:
        """What the site does as its version of Frappe does it."""
        return MANNERS[self.connection().execute("PRAGMA application_id").fetchone()[0]]

    def connection(self) -> sqlite3.Connection:
        """This thread's connection: autocommit, with MariaDB's functions registered. Write only inside `writing()`."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=60)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = OFF")  # a demo's data: fast, and made again from its seed
            connection.execute("PRAGMA cache_size = -65536")
            register_functions(connection)
            self._local.connection = connection
            self._connections.append(connection)
        return connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One write transaction: commits at the end, rolls back on an error. May be nested; the outermost decides."""
        with self._write_lock:
            connection = self.connection()
            if connection.in_transaction:
                yield connection
                return
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                self._metas = (-1, {})
                raise
            connection.execute("COMMIT")

    def close(self) -> None:
        """Close all threads' connections; the store is unusable afterwards."""
        for connection in self._connections:
            connection.close()
        self._connections.clear()
        self._local = threading.local()

    # -- DocTypes ----------------------------------------------------------------------------------------------------

    def doctypes(self) -> tuple[str, ...]:
        """Names of all DocTypes, in the site's name order."""
        names = [row[0] for row in self.connection().execute('SELECT name FROM "~doctype"')]
        return tuple(sorted(names, key=lambda name: str(collation_key(name))))

    def meta(self, doctype: str) -> SiteMeta:
        """Effective metadata, custom fields and property setters merged.

        Raises:
            MissingDocTypeError: the site has no such DocType.
        """
        version = self.connection().execute("PRAGMA user_version").fetchone()[0]
        cached_version, metas = self._metas
        if version != cached_version:
            metas = {}
            self._metas = (version, metas)
        if doctype not in metas:
            row = self.connection().execute('SELECT meta FROM "~doctype" WHERE name = ?', (doctype,)).fetchone()
            if row is None:
                raise MissingDocTypeError(doctype)
            metas[doctype] = SiteMeta(self._customised(doctype, json.loads(row[0])))
        return metas[doctype]

    def tables(self, meta: SiteMeta) -> dict[str, str]:
        """Child DocType by table fieldname, where the site has it: real sites hold fields whose DocType is gone."""
        known = set(self.doctypes()) if meta.tables else set()
        return {fieldname: child for fieldname, child in meta.tables.items() if child in known}

    def create_doctype(self, meta: Mapping[str, Any]) -> None:
        """Create a DocType from one entry of getdoctype's `docs[]`, or migrate it: columns are added, never removed."""
        doctype = str(meta["name"])
        with self.writing() as connection:
            connection.execute('INSERT OR REPLACE INTO "~doctype" VALUES (?, ?)', (doctype, json.dumps(dict(meta))))
            self._bump_meta_version()
            self._migrate(doctype)
            self._list_doctype(doctype, meta)

    def drop_doctype(self, doctype: str) -> None:
        """Let a DocType vanish with its documents: an app was uninstalled. Fields that link to it stay."""
        with self.writing() as connection:
            connection.execute('DELETE FROM "~doctype" WHERE name = ?', (doctype,))
            connection.execute('DELETE FROM "tabSingles" WHERE doctype = ?', (doctype,))
            connection.execute(f"DROP TABLE IF EXISTS {table_of(doctype)}")
            self._unlist_doctype(doctype)
            self._bump_meta_version()

    def drop_column(self, doctype: str, fieldname: str) -> None:
        """Let the database lose a column that the metadata still has, until the DocType is migrated again."""
        with self.writing() as connection:
            connection.execute(f"DROP INDEX IF EXISTS {quoted(f'{doctype} {fieldname}')}")
            connection.execute(f"ALTER TABLE {table_of(doctype)} DROP COLUMN {quoted(fieldname)}")

    def permit(self, doctype: str, role: str, *rights: str, permlevel: int = 0) -> None:
        """Replace what a role may do with a DocType at one permission level: `read`, `write`, `if_owner` …; or nothing.

        The DocType's `modified` stays, as where a Custom DocPerm is written.
        """
        with self.writing() as connection:
            (text,) = connection.execute('SELECT meta FROM "~doctype" WHERE name = ?', (doctype,)).fetchone()
            wire = json.loads(text)
            others = [
                rule
                for rule in wire.get("permissions") or ()
                if (rule["role"], int(rule.get("permlevel") or 0)) != (role, permlevel)
            ]
            rule = {"role": role, "permlevel": permlevel} | dict.fromkeys(rights, 1)
            wire["permissions"] = [*others, rule] if rights else others
            connection.execute('UPDATE "~doctype" SET meta = ? WHERE name = ?', (json.dumps(wire), doctype))
            self._bump_meta_version()

    def add_custom_field(self, doctype: str, field: Mapping[str, Any], *, stamp: str = CORE_MODIFIED) -> None:
        """Add a `Custom Field` and its column. No `modified` of the DocType or its rows moves; old rows read 0 or null.

        Args:
            doctype: the DocType that gets the field.
            field: fieldname, fieldtype, and label, options, insert_after, permlevel … as wanted.
            stamp: creation and modified of the Custom Field document, local time.
        """
        row = {"dt": doctype, "label": field["fieldname"], **field}
        self.insert_document_row("Custom Field", f"{doctype}-{field['fieldname']}", row, stamp=stamp)
        self.refresh_customisations(doctype)

    def remove_custom_field(self, doctype: str, fieldname: str) -> None:
        """Remove a `Custom Field` from the metadata by raw SQL; its column stays in the database, unseen."""
        with self.writing() as connection:
            key = collation_key(f"{doctype}-{fieldname}")
            connection.execute(f'DELETE FROM {table_of("Custom Field")} WHERE "{NAME_KEY}" = ?', (key,))
            self.refresh_customisations(doctype)

    def set_property(
        self, doctype: str, fieldname: str | None, prop: str, value: object, *, stamp: str = CORE_MODIFIED
    ) -> None:
        """Add a `Property Setter`: `prop` of a field, or of the DocType when `fieldname` is None, becomes `value`."""
        row = {
            "doctype_or_field": "DocField" if fieldname else "DocType",
            "doc_type": doctype,
            "field_name": fieldname,
            "property": prop,
            "value": str(value),
        }
        self.insert_document_row("Property Setter", f"{doctype}-{fieldname or 'main'}-{prop}", row, stamp=stamp)
        self.refresh_customisations(doctype)

    def refresh_customisations(self, doctype: str) -> None:
        """Take changed `Custom Field` and `Property Setter` rows into the effective metadata and the columns."""
        with self.writing():
            self._bump_meta_version()
            self._migrate(doctype)

    # -- rows --------------------------------------------------------------------------------------------------------

    def insert_rows(self, doctype: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Insert rows as they are, in one transaction: no defaults, stamps or naming.

        `columns` must hold `name`, and `parent` for a child table. An iterator of rows is consumed as it is written.

        Raises:
            sqlite3.IntegrityError: a name exists already, in any case or accent; nothing is inserted.
        """
        with self.writing() as connection:
            connection.executemany(self._insert_sql(doctype, columns), rows)

    def insert_document_row(self, doctype: str, name: str, values: Mapping[str, Any], *, stamp: str) -> None:
        """Insert one row with the standard columns filled in; values that are no columns are left out."""
        known = self.meta(doctype).columns
        row: dict[str, Any] = {
            "name": name, "owner": "Administrator", "creation": stamp, "modified": stamp, "modified_by": "Administrator"
        }  # fmt: skip
        row |= {column: value for column, value in values.items() if column in known and value is not None}
        self.insert_rows(doctype, list(row), [tuple(row.values())])

    def count(self, doctype: str) -> int:
        """Number of rows."""
        return int(self.connection().execute(f"SELECT count(*) FROM {table_of(doctype)}").fetchone()[0])

    def single(self, doctype: str) -> dict[str, Any]:
        """Values of a Single DocType's one document; empty before it was ever saved."""
        return dict(self.connection().execute('SELECT field, value FROM "tabSingles" WHERE doctype = ?', (doctype,)))

    def set_single(self, doctype: str, values: Mapping[str, Any]) -> None:
        """Store values of a Single DocType's one document; the others stay."""
        rows = [(doctype, field, value) for field, value in values.items()]
        with self.writing() as connection:
            connection.executemany('INSERT OR REPLACE INTO "tabSingles" VALUES (?, ?, ?)', rows)

    def next_in_series(self, prefix: str) -> int:
        """Count a naming series on and return its new number; 1 for a new series."""
        with self.writing() as connection:
            connection.execute(
                'INSERT INTO "~series" VALUES (?, 1) ON CONFLICT (prefix) DO UPDATE SET current = current + 1',
                (prefix,),
            )
            row = connection.execute('SELECT current FROM "~series" WHERE prefix = ?', (prefix,)).fetchone()
            return int(row[0])

    def series(self, prefix: str) -> int:
        """The last number given out in a naming series; 0 for an unused one."""
        row = self.connection().execute('SELECT current FROM "~series" WHERE prefix = ?', (prefix,)).fetchone()
        return int(row[0]) if row else 0

    def set_series(self, prefix: str, current: int) -> None:
        """Set the last number given out in a naming series: after a bulk insert, or after a deletion."""
        with self.writing() as connection:
            connection.execute('INSERT OR REPLACE INTO "~series" VALUES (?, ?)', (prefix, current))

    # -- inside ------------------------------------------------------------------------------------------------------

    def _insert_sql(self, doctype: str, columns: Sequence[str]) -> str:
        targets = [quoted(column) for column in columns]
        values = [f"?{place}" for place in range(1, len(columns) + 1)]
        places = dict(zip(columns, values, strict=True))
        targets.append(quoted(NAME_KEY))
        values.append(f"collation_key({places['name']})")
        if self.meta(doctype).is_table:  # a parent is text, also where names are integers
            targets.append(quoted(PARENT_KEY))
            values.append(f"collation_key(CAST({places['parent']} AS TEXT))")
        return f"INSERT INTO {table_of(doctype)} ({', '.join(targets)}) VALUES ({', '.join(values)})"

    def _bump_meta_version(self) -> None:
        connection = self.connection()
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        connection.execute(f"PRAGMA user_version = {version + 1}")

    def _migrate(self, doctype: str) -> None:
        meta = self.meta(doctype)
        if meta.is_single or meta.is_virtual:
            return
        connection, table = self.connection(), table_of(doctype)
        existing = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
        if not existing:
            name_type = "INTEGER" if meta.has_integer_names else "TEXT"
            connection.execute(f'CREATE TABLE {table} (name {name_type} NOT NULL, "{NAME_KEY}" NOT NULL)')
            connection.execute(f'CREATE UNIQUE INDEX "{doctype} name" ON {table} ("{NAME_KEY}")')
            existing = {"name"}
        stars = self.manners.rates_in_stars
        wanted = {column: sql_type(fieldtype, rates_in_stars=stars) for column, fieldtype in meta.columns.items()}
        wanted |= {PARENT_KEY: ""} if meta.is_table else dict.fromkeys(meta.optional_columns, "TEXT")
        for column in wanted.keys() - existing:
            connection.execute(f"ALTER TABLE {table} ADD COLUMN {quoted(column)} {wanted[column]}")
        if meta.is_table and self.manners.indexes_child_stamps:
            connection.execute(f'CREATE INDEX IF NOT EXISTS "{doctype} stamp" ON {table} ("modified", "{NAME_KEY}")')
        indexed = f'"{PARENT_KEY}", "{NAME_KEY}"' if meta.is_table else f'"modified", "{NAME_KEY}"'
        connection.execute(f'CREATE INDEX IF NOT EXISTS "{doctype} reading" ON {table} ({indexed})')
        for fieldname, field in meta.fields.items():
            if field.get("search_index") and fieldname in meta.columns:
                index = quoted(f"{doctype} {fieldname}")
                connection.execute(f"CREATE INDEX IF NOT EXISTS {index} ON {table} ({quoted(fieldname)})")

    def _list_doctype(self, doctype: str, meta: Mapping[str, Any]) -> None:
        """Keep the lists of DocType and DocField in step, where those exist already."""
        known = self.doctypes()
        if "DocField" not in known:
            return
        self._unlist_doctype(doctype)
        stamp = str(meta.get("modified", ""))
        self.insert_document_row("DocType", doctype, {k: v for k, v in meta.items() if k != "name"}, stamp=stamp)
        for idx, field in enumerate(meta.get("fields", ()), start=1):
            row = {**field, "idx": idx, "parent": doctype, "parenttype": "DocType", "parentfield": "fields"}
            name = row.pop("name", None) or f"{doctype}-{field.get('fieldname', idx)}"
            self.insert_document_row("DocField", name, row, stamp=stamp)

    def _unlist_doctype(self, doctype: str) -> None:
        connection, key = self.connection(), collation_key(doctype)
        connection.execute(f'DELETE FROM {table_of("DocType")} WHERE "{NAME_KEY}" = ?', (key,))
        connection.execute(f'DELETE FROM {table_of("DocField")} WHERE "{PARENT_KEY}" = ?', (key,))

    def _customised(self, doctype: str, wire: dict[str, Any]) -> dict[str, Any]:
        if not self._has_table("Property Setter"):
            return wire
        return customised(
            wire, self._rows_of("Custom Field", "dt", doctype), self._rows_of("Property Setter", "doc_type", doctype)
        )

    def _has_table(self, doctype: str) -> bool:
        sql = "SELECT 1 FROM sqlite_master WHERE name = ?"
        return self.connection().execute(sql, (f"tab{doctype}",)).fetchone() is not None

    def _rows_of(self, doctype: str, column: str, value: str) -> list[dict[str, Any]]:
        cursor = self.connection().execute(
            f'SELECT * FROM {table_of(doctype)} WHERE {quoted(column)} = ? ORDER BY idx, "{NAME_KEY}"',
            (value,),
        )
        names = [entry[0] for entry in cursor.description]
        skipped = {NAME_KEY, *OPTIONAL_COLUMNS}
        return [{k: v for k, v in zip(names, row, strict=True) if k not in skipped} for row in cursor]
