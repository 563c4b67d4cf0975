"""Frappe's document lists: one request, checked and run as one SQL statement."""

from __future__ import annotations

import json
import re
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from federation.demo.site.debug_sql import debug_messages
from federation.demo.site.errors import CrashedError, UnknownColumnError
from federation.demo.site.expressions import group_terms, order_terms, select
from federation.demo.site.filters import Conditions, conditions
from federation.demo.site.permissions import SiteUser, check_child_readable, check_readable
from federation.demo.site.scope import Scope
from federation.demo.site.store import NAME_KEY, PARENT_KEY, quoted, table_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from federation.demo.site.expressions import Selected
    from federation.demo.site.store import SiteStore

DEFAULT_PAGE = 20
_NO_COLUMN = re.compile(r"no such column: (?:.*\.)?(?P<column>[^.]+)")
_STAMP_INDEX = frozenset({"name", "modified", "creation"})
_PARENT_INDEX = frozenset({"name", "parent"})


@dataclass(frozen=True)
class ListRequest:
    """What a client asked of one DocType's list, decoded and not yet checked."""

    doctype: str
    fields: Sequence[str] = ("name",)
    filters: object = None
    or_filters: object = None
    order_by: str = ""
    group_by: str = ""
    start: int = 0
    page_length: int = DEFAULT_PAGE
    """Rows at most; 0 is all, and then `start` is ignored [b_list/11]."""
    parent: str | None = None
    debug: bool = False
    """Whether the answer tells its SQL."""
    newest_first: bool = False
    """Whether the route orders by modified where the client asks for no order."""

    @classmethod
    def of(cls, doctype: str, params: Mapping[str, Any], *, limit_is_alias: bool) -> ListRequest:
        """Decode parameters; `limit` counts only where the route takes it and limit_page_length is absent.

        Raises:
            CrashedError: fields or filters that are not JSON [b_list/36, 37].
        """
        length = params.get("limit_page_length", params.get("limit", DEFAULT_PAGE) if limit_is_alias else DEFAULT_PAGE)
        return cls(
            doctype,
            fields=_json(params.get("fields")) or ("name",),
            filters=_json(params.get("filters")),
            or_filters=_json(params.get("or_filters")),
            order_by=str(params.get("order_by") or ""),
            group_by=str(params.get("group_by") or ""),
            start=_count(params.get("limit_start")),
            page_length=_count(length),
            parent=params.get("parent") or None,
            debug=bool(params.get("debug")),
        )


@dataclass(frozen=True)
class Page:
    """The answer: keys, and one tuple a row."""

    keys: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    debug: tuple[str, ...] = ()
    """What `debug=1` shows."""

    def dicts(self) -> list[dict[str, Any]]:
        """The rows as Frappe's default form."""
        return [dict(zip(self.keys, row, strict=True)) for row in self.rows]


def read_list(store: SiteStore, user: SiteUser, request: ListRequest) -> Page:
    """Answer a list request.

    Raises:
        FrappeProblem: whatever Frappe would refuse it for.
    """
    meta = store.meta(request.doctype)
    if meta.is_single:
        raise CrashedError("pymysql.err.ProgrammingError", f"('DocType', '{meta.name}')")
    if meta.is_virtual:
        raise CrashedError("AttributeError", f"type object '{meta.name.replace(' ', '')}' has no attribute 'get_list'")
    if meta.is_table:
        check_child_readable(user, store, meta, request.parent)
    else:
        check_readable(user, meta)
    scope = Scope(store, meta, user)
    selected = select(scope, request.fields)
    sql, parameters = _statement(scope, user, request, selected)
    try:
        rows = store.connection().execute(sql, parameters).fetchall()
    except sqlite3.Error as error:
        if dropped := _NO_COLUMN.fullmatch(str(error)):
            raise UnknownColumnError(dropped["column"]) from error
        raise CrashedError("pymysql.err.OperationalError", f"({error.sqlite_errorcode}, {str(error)!r})") from error
    shown = tuple(debug_messages(scope, request)) if request.debug else ()
    return Page(tuple(field.key for field in selected), rows, shown)


def count(store: SiteStore, doctype: str, filters: object) -> int:
    """frappe.client.get_count: asks for no permission [c_children/31, 34]."""
    scope = Scope(store, store.meta(doctype), SiteUser("Administrator"))
    found = conditions(scope, _json(filters))
    where = f" WHERE {' AND '.join(found.sql)}" if found.sql else ""
    row = store.connection().execute(f"SELECT count(*) {scope.from_clause}{where}", found.parameters).fetchone()
    return int(row[0])


def _statement(
    scope: Scope, user: SiteUser, request: ListRequest, selected: Sequence[Selected]
) -> tuple[str, list[Any]]:
    both = conditions(scope, request.filters)
    either = conditions(scope, request.or_filters)
    if either.sql:
        both.add(f"({' OR '.join(either.sql)})", *either.parameters)
        both.columns |= either.columns
    _restrict(both, scope, user)
    fields = ", ".join(f"{field.sql} AS {quoted(field.key)}" for field in selected)
    group = group_terms(scope, request.group_by) if request.group_by else ""
    order = _order(scope, request, selected, both.columns)
    parts = [f"SELECT {fields}", scope.from_clause]  # the joins are complete only now
    parts += [f"WHERE {' AND '.join(both.sql)}"] if both.sql else []
    parts += [f"GROUP BY {group}"] if group else []
    parts += [f"ORDER BY {order}"] if order else []
    parts += [f"LIMIT {request.page_length} OFFSET {request.start}"] if request.page_length else []
    return " ".join(parts), both.parameters


def _order(scope: Scope, request: ListRequest, selected: Sequence[Selected], filtered: set[str]) -> str:
    """ORDER BY as asked; without one, the order of the index that MariaDB would read [b_list/01, 30, c_children/02].

    Version 13 orders every list by modified, and the report view does in all versions [v14/b_list/14].
    """
    if request.order_by:
        return order_terms(scope, request.order_by, [field.key for field in selected])
    if request.group_by or any(field.is_aggregate for field in selected):
        return ""
    table = table_of(scope.meta.name)
    if request.newest_first or scope.manners.orders_lists:
        return f'{table}."modified" DESC, {table}."{NAME_KEY}"'
    touched = filtered | {field.column.fieldname for field in selected if field.column}
    if scope.meta.is_table and touched <= _PARENT_INDEX and "parent" in touched:
        return f'{table}."{PARENT_KEY}", {table}."{NAME_KEY}"'
    if not scope.meta.is_table and not scope.is_joined and touched <= _STAMP_INDEX:
        return f'{table}."modified", {table}."{NAME_KEY}"'
    return f'{table}."{NAME_KEY}"{scope.joined_order}'


def _restrict(found: Conditions, scope: Scope, user: SiteUser) -> None:
    """User Permissions, and whose documents only the owner may read; neither holds in child tables [c_children/30]."""
    if scope.meta.is_table:
        return
    for fieldname, names in user.restricted_fields(scope.meta):
        allowed = conditions(scope, [[fieldname, "in", [*names, ""]]])
        found.add(allowed.sql[0], *allowed.parameters)
    if user.reads_own_only(scope.meta):
        found.add(f'{table_of(scope.meta.name)}."owner" = ?', user.name)


def _json(value: object) -> Any:  # noqa: ANN401 - whatever the client sent
    if not isinstance(value, str) or not value:
        return value
    try:
        return json.loads(value)
    except json.JSONDecodeError as error:
        raise CrashedError("json.decoder.JSONDecodeError", str(error)) from None


def _count(value: object) -> int:
    text = str(value or 0)
    return int(text) if text.isdigit() else 0
