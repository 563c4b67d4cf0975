"""The tables that one list request reads, its own and those joined by its fields, with every column checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from federation.demo.site.errors import CrashedError, FieldRefusedError, MissingDocTypeError, UnknownColumnError
from federation.demo.site.meta import NUMBER_FIELDTYPES, PARENT_COLUMNS, STANDARD_COLUMNS
from federation.demo.site.store import NAME_KEY, PARENT_KEY, SiteStore, quoted, table_of

if TYPE_CHECKING:
    from federation.demo.site.manners import Manners
    from federation.demo.site.meta import SiteMeta
    from federation.demo.site.permissions import SiteUser

# Their wire text sorts and compares as it is.
_PLAIN_TEXT = frozenset({"Date", "Datetime", "Time"})
# The first columns of a table in version 14; in version 13 the parent's stand before the last of them.
_FIRST_COLUMNS = ("name", "creation", "modified", "modified_by", "owner", "docstatus", "idx")


@dataclass(frozen=True)
class Column:
    """A column in SQL, and how it compares."""

    sql: str
    fieldname: str
    fieldtype: str
    key: str
    """SQL of its sort key in the site's collation; the column itself where that makes no difference."""

    @property
    def is_text(self) -> bool:
        """Whether it compares by collation key."""
        return self.key != self.sql


class Scope:
    """Resolves field references of a list on `meta` for `user`, collecting the joins that they need."""

    def __init__(self, store: SiteStore, meta: SiteMeta, user: SiteUser) -> None:
        self._store = store
        self.meta = meta
        self._user = user
        self._joins: dict[str, str] = {}

    @property
    def manners(self) -> Manners:
        """How the site's version of Frappe answers."""
        return self._store.manners

    @property
    def from_clause(self) -> str:
        """FROM with all joins; complete once every reference is resolved."""
        return " ".join([f"FROM {table_of(self.meta.name)}", *self._joins.values()])

    @property
    def is_joined(self) -> bool:
        """Whether other tables are read too."""
        return bool(self._joins)

    @property
    def joined_order(self) -> str:
        """Terms of ORDER BY that follow the own table's: rows of the joined child tables, by name."""
        return "".join(f', {table_of(child)}."{NAME_KEY}"' for child in self.joined_children)

    @property
    def joined_children(self) -> list[str]:
        """Child DocTypes whose rows are read too."""
        return [child for child in self._joins if not child.startswith('"')]

    def permitted(self) -> list[Column]:
        """What `*` stands for: all columns at the user's permission levels; before version 15 those of the table."""
        levels = self._user.readable_levels(self.meta)
        names = self._table_columns() if self.manners.star_is_the_table else self.meta.columns
        return [self._starred(name) for name in names if self.meta.permlevels.get(name, 0) in levels]

    def _table_columns(self) -> list[str]:
        """The table's columns in the order of the database, Custom Fields last [v13/b_list/02, v14/c_children/02]."""
        heads = {*STANDARD_COLUMNS, *PARENT_COLUMNS}
        fields = [name for name in self.meta.columns if name not in heads]
        custom = [name for name in fields if self.meta.fields[name].get("is_custom_field")]
        standard = [name for name in fields if name not in custom]
        if self.manners.keeps_parents:
            heads_in_order = [*_FIRST_COLUMNS[:-1], *PARENT_COLUMNS, _FIRST_COLUMNS[-1]]
            return [*heads_in_order, *standard, *self.meta.optional_columns, *custom]
        parents = PARENT_COLUMNS if self.meta.is_table else ()
        return [*_FIRST_COLUMNS, *standard, *parents, *self.meta.optional_columns, *custom]

    def _starred(self, fieldname: str) -> Column:
        if fieldname in PARENT_COLUMNS and not self.meta.is_table:  # version 13 keeps them in every table, empty
            return Column("NULL", fieldname, "Data", "NULL")
        return self.column(fieldname)

    def is_withheld(self, fieldname: str) -> bool:
        """Whether a plain field is left out without a word: above the user's levels, or virtual [e_types/45-47]."""
        field = self.meta.fields.get(fieldname, {})
        level = self.meta.permlevels.get(fieldname, 0)
        return bool(field.get("is_virtual")) or level not in self._user.readable_levels(self.meta)

    def column(self, fieldname: str, qualifier: str = "") -> Column:
        """Resolve `fieldname`, `tabDocType`.`fieldname` or `table_or_link_field.fieldname`.

        Raises:
            FieldRefusedError: the DocType has no such field.
            CrashedError: it has one without a column, as Frappe only finds out in the database.
        """
        if not qualifier or qualifier == f"tab{self.meta.name}":
            return self._column_of(self.meta, table_of(self.meta.name), fieldname)
        if qualifier.startswith("tab"):
            return self._joined_child(qualifier.removeprefix("tab"), fieldname)
        if not self.manners.joins_by_field:
            raise MissingDocTypeError("")  # Frappe looks for a table's name before the dot
        field = self.meta.fields.get(qualifier)
        if field is None:
            raise CrashedError("AttributeError", "'NoneType' object has no attribute 'options'")
        if child := self.meta.tables.get(qualifier):
            return self._joined_child(child, fieldname)
        return self._joined_link(qualifier, str(field["options"]), fieldname)

    def require_doctype(self, doctype: str) -> None:
        """Refuse a DocType that the site lacks.

        Raises:
            MissingDocTypeError: it lacks it.
        """
        self._store.meta(doctype)

    def child_column(self, doctype: str, fieldname: str) -> Column:
        """Resolve a field of a 4-part filter, which names its DocType."""
        return self.column(fieldname, f"tab{doctype}")

    def _joined_child(self, child: str, fieldname: str) -> Column:
        meta, table, own = self._store.meta(child), table_of(child), table_of(self.meta.name)
        if not meta.is_table:
            message = f"(1054, \"Unknown column 'tab{child}.parenttype' in 'ON'\")"
            raise CrashedError("pymysql.err.OperationalError", message)
        parenttype = self.meta.name.replace("'", "''")
        of_the_parent = f'{table}."{PARENT_KEY}" = {own}."{NAME_KEY}" AND {table}."parenttype" = \'{parenttype}\''
        self._joins[child] = f"LEFT JOIN {table} ON {of_the_parent}"
        return self._column_of(meta, table, fieldname)

    def _joined_link(self, link: str, doctype: str, fieldname: str) -> Column:
        meta, alias, own = self._store.meta(doctype), quoted(f"~{link}"), table_of(self.meta.name)
        self._joins[alias] = (
            f'LEFT JOIN {table_of(doctype)} AS {alias} ON {alias}."{NAME_KEY}" = collation_key({own}.{quoted(link)})'
        )
        return self._column_of(meta, alias, fieldname)

    def _column_of(self, meta: SiteMeta, table: str, fieldname: str) -> Column:
        fieldtype = "Text" if fieldname in meta.optional_columns else meta.columns.get(fieldname)
        if fieldtype is None:
            if fieldname in meta.tables:
                raise UnknownColumnError(fieldname)
            raise FieldRefusedError(fieldname)
        sql = f"{table}.{quoted(fieldname)}"
        if fieldname == "name":
            key = f'{table}."{NAME_KEY}"'
        elif fieldname == "parent" and meta.is_table:
            key = f'{table}."{PARENT_KEY}"'
        elif fieldtype in _PLAIN_TEXT | NUMBER_FIELDTYPES | {"Duration"}:
            key = sql
        else:
            key = f"collation_key({sql})"
        return Column(sql, fieldname, fieldtype, key)
