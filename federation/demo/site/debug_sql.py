"""The SQL that Frappe shows for `debug=1`: its own MariaDB text, which tells a client how filters are built."""

from __future__ import annotations

from typing import TYPE_CHECKING

from federation.demo.site.filters import bounds, coalesced_fallback, quadruples
from federation.demo.site.meta import NUMBER_FIELDTYPES

if TYPE_CHECKING:
    from federation.demo.site.lists import ListRequest
    from federation.demo.site.scope import Scope


def frappe_sql(scope: Scope, request: ListRequest) -> str:
    """The statement in the layout of Frappe 13 to 15 [v13/b_list/08, v14/b_list/08, b_list/30]."""
    table = f"`tab{scope.meta.name}`"
    both = [_condition(scope, *parts) for parts in quadruples(scope, request.filters)]
    either = [_condition(scope, *parts) for parts in quadruples(scope, request.or_filters)]
    both += [f"({' or '.join(either)})"] if either else []
    order = request.order_by or (f"{table}.`modified` DESC" if scope.manners.orders_lists else "")
    own = f"{table}.{{}}" if scope.joined_children else "`{}`"
    lines = [
        f"select {', '.join(own.format(field) if field.isidentifier() else field for field in request.fields)}",
        f"from {' '.join([table, *(_join(scope, child) for child in scope.joined_children)])}",
        f"where {' and '.join(both)}" if both else "",
        f" group by {request.group_by}" if request.group_by else "",
        f" order by {order}" if order else "",
        f"limit {request.page_length} offset {request.start}" if request.page_length else "",
    ]
    return "\n\t\t\t".join(lines)


def debug_messages(scope: Scope, request: ListRequest) -> list[str]:
    """What the answer carries: the statement and how long it took."""
    sql = frappe_sql(scope, request)
    if scope.manners.coalesces_filters:
        return [sql, "Execution time: 0.0 sec"]
    return ["Execution time: 0.00 sec", sql]


def _join(scope: Scope, child: str) -> str:
    parent = scope.meta.name
    return (
        f"left join `tab{child}` on (`tab{child}`.parenttype = '{parent}' and `tab{child}`.parent = `tab{parent}`.name)"
    )


def _condition(scope: Scope, doctype: str, fieldname: str, operator: str, value: object) -> str:
    column, name = scope.child_column(doctype, fieldname), f"`tab{doctype}`.`{fieldname}`"
    wraps = scope.manners.coalesces_filters and column.fieldtype not in NUMBER_FIELDTYPES
    if wraps and not (value and operator in {"=", "like"}):
        name = f"coalesce({name}, {coalesced_fallback(column)})"
    if operator == "between":
        low, high = bounds(column, value)
        return f"{name} between {_literal(_six_digits(low))} AND {_literal(_six_digits(high))}"
    values = f"({', '.join(map(_literal, value))})" if isinstance(value, list) else _literal(value)
    return f"{name} {operator} {values}"


def _six_digits(moment: str) -> str:
    """A datetime with its whole fraction; a day as it is."""
    if " " not in moment:
        return moment
    whole, _, fraction = moment.partition(".")
    return f"{whole}.{fraction:0<6}"


def _literal(value: object) -> str:
    text = "" if value is None else str(value).replace("\\", "\\\\").replace("'", "\\'")
    return str(value) if isinstance(value, int | float) else f"'{text}'"
