"""One document's row and its child rows, read and written as they are: no stamps, no names, no traces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from federation.demo.site.collation import collation_key
from federation.demo.site.errors import InvalidError
from federation.demo.site.meta import NUMBER_FIELDTYPES, OPTIONAL_COLUMNS
from federation.demo.site.store import NAME_KEY, PARENT_KEY, SiteStore, quoted, table_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from federation.demo.site.meta import SiteMeta

Document = dict[str, Any]
"""A document: its columns by fieldname, and a list of child documents for each table field."""


def name_key(meta: SiteMeta, name: str | int) -> str | int | None:
    """The sort key of a name; integer names may come as text, from a URL."""
    return int(name) if meta.has_integer_names and str(name).isdigit() else collation_key(name)


def read_row(store: SiteStore, meta: SiteMeta, name: str | int) -> Document | None:
    """All columns of a document, nulls included, as far as the database has them; None when there is none."""
    if meta.is_virtual:
        return None
    sql = f'SELECT * FROM {table_of(meta.name)} WHERE "{NAME_KEY}" = ?'
    rows = _documents(store, meta, sql, (name_key(meta, name),))
    return rows[0] if rows else None


def read_children(store: SiteStore, doctype: str, parent: str | int, fieldname: str, child: str) -> list[Document]:
    """The child rows of one table field, in order."""
    sql = (
        f'SELECT * FROM {table_of(child)} WHERE "{PARENT_KEY}" = ? AND parenttype = ? AND parentfield = ? ORDER BY idx'
    )
    return _documents(store, store.meta(child), sql, (collation_key(str(parent)), doctype, fieldname))


def _documents(store: SiteStore, meta: SiteMeta, sql: str, parameters: tuple[object, ...]) -> list[Document]:
    """Rows by fieldname, in the order of the metadata; a column that the database lost is missing from them."""
    cursor = store.connection().execute(sql, parameters)
    places = {entry[0]: place for place, entry in enumerate(cursor.description)}
    wanted = [(column, places[column]) for column in meta.columns if column in places]
    return [{column: row[place] for column, place in wanted} for row in cursor]


def insert_row(store: SiteStore, meta: SiteMeta, row: Mapping[str, Any]) -> None:
    """Insert one row as Frappe would store it: no empty dates, 0 for a null number, passwords masked."""
    given = {
        column: "*" * len(value) if meta.columns[column] == "Password" else value
        for column, value in row.items()
        if value is not None and (value != "" or meta.columns[column] not in {"Date", "Datetime", "Time"})
    }
    store.insert_rows(meta.name, list(given), [tuple(given.values())])


def update_row(store: SiteStore, meta: SiteMeta, name: str | int, values: Mapping[str, Any]) -> None:
    """Write columns of one row.

    Raises:
        InvalidError: the DocType has no such column.
    """
    sets, parameters = _assignments(meta, values)
    sql = f'UPDATE {table_of(meta.name)} SET {sets} WHERE "{NAME_KEY}" = ?'
    with store.writing() as connection:
        connection.execute(sql, (*parameters, name_key(meta, name)))


def update_where(store: SiteStore, meta: SiteMeta, where: Mapping[str, Any], values: Mapping[str, Any]) -> int:
    """Write columns of all rows whose columns equal `where`, byte for byte; the number of rows."""
    sets, parameters = _assignments(meta, values)
    sql = f"UPDATE {table_of(meta.name)} SET {sets} WHERE {_equalities(where)}"
    with store.writing() as connection:
        return connection.execute(sql, (*parameters, *where.values())).rowcount


def delete_where(store: SiteStore, meta: SiteMeta, where: Mapping[str, Any]) -> int:
    """Delete all rows whose columns equal `where`, byte for byte; the number of rows."""
    with store.writing() as connection:
        sql = f"DELETE FROM {table_of(meta.name)} WHERE {_equalities(where)}"
        return connection.execute(sql, tuple(where.values())).rowcount


def delete_row(store: SiteStore, meta: SiteMeta, name: str | int) -> None:
    """Delete one row; its child rows stay."""
    with store.writing() as connection:
        sql = f'DELETE FROM {table_of(meta.name)} WHERE "{NAME_KEY}" = ?'
        connection.execute(sql, (name_key(meta, name),))


def delete_children(store: SiteStore, meta: SiteMeta, parent: str | int) -> None:
    """Delete the rows of all of a document's table fields."""
    with store.writing() as connection:
        for child in set(store.tables(meta).values()):
            sql = f'DELETE FROM {table_of(child)} WHERE "{PARENT_KEY}" = ? AND parenttype = ?'
            connection.execute(sql, (collation_key(str(parent)), meta.name))


def move_children(store: SiteStore, meta: SiteMeta, old: str, new: str) -> None:
    """Hand a document's child rows over to its new name."""
    with store.writing() as connection:
        for child in set(store.tables(meta).values()):
            sql = (
                f'UPDATE {table_of(child)} SET parent = ?, "{PARENT_KEY}" = ? '
                f'WHERE "{PARENT_KEY}" = ? AND parenttype = ?'
            )
            connection.execute(sql, (new, collation_key(new), collation_key(old), meta.name))


def relink(store: SiteStore, doctype: str, old: str, new: str) -> None:
    """Write a document's new name into every Link to its DocType, and every Dynamic Link that names it."""
    for other in map(store.meta, store.doctypes()):
        fields = (
            ()
            if other.is_single or other.is_virtual
            else [(name, f) for name, f in other.fields.items() if name in other.columns]
        )
        for fieldname, field in fields:
            options = field.get("options")
            if field["fieldtype"] == "Link" and options == doctype:
                update_where(store, other, {fieldname: old}, {fieldname: new})
            elif field["fieldtype"] == "Dynamic Link" and options in other.columns:
                update_where(store, other, {fieldname: old, options: doctype}, {fieldname: new})


def _assignments(meta: SiteMeta, values: Mapping[str, Any]) -> tuple[str, list[Any]]:
    """SET, with the sort keys that follow from a new name or parent."""
    allowed = {**meta.columns, **dict.fromkeys((*OPTIONAL_COLUMNS, NAME_KEY, PARENT_KEY), "Text")}
    if unknown := values.keys() - allowed.keys():
        raise InvalidError(f"{meta.name} has no column {min(unknown)}")
    assigned = {
        column: 0 if value is None and allowed[column] in NUMBER_FIELDTYPES else value
        for column, value in values.items()
    }
    for column, key in (("name", NAME_KEY), ("parent", PARENT_KEY)):
        if column in values:
            assigned[key] = collation_key(values[column])
    return ", ".join(f"{quoted(column)} = ?" for column in assigned), list(assigned.values())


def _equalities(where: Mapping[str, Any]) -> str:
    if not where:
        raise ValueError("a condition is needed: this would change every row")
    return " AND ".join(f"{quoted(column)} = ?" for column in where)
