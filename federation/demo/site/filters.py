"""Filters of a list request: Frappe's dicts, 3-lists and 4-lists, as SQL conditions with parameters."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from federation.demo.site.collation import collation_key
from federation.demo.site.errors import CrashedError, InvalidError
from federation.demo.site.meta import INTEGER_FIELDTYPES, NUMBER_FIELDTYPES
from federation.demo.site.wire import datetime_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from federation.demo.site.scope import Column, Scope

_COMPARISONS = frozenset({"=", "!=", "<", "<=", ">", ">="})
_NULLS_COUNT = frozenset({"!=", "<", "<=", "not in", "not like"})


@dataclass
class Conditions:
    """SQL conditions and their parameters, in order."""

    sql: list[str] = field(default_factory=list)
    parameters: list[Any] = field(default_factory=list)
    columns: set[str] = field(default_factory=set)
    """Fieldnames compared."""

    def add(self, sql: str, *parameters: object) -> None:
        """Append one condition."""
        self.sql.append(sql)
        self.parameters.extend(parameters)


def conditions(scope: Scope, filters: object) -> Conditions:
    """Translate `filters` or `or_filters`; how they are joined is the caller's business.

    Raises:
        FrappeProblem: what Frappe answers to a filter that it can't use.
    """
    found = Conditions()
    for doctype, fieldname, operator, value in quadruples(scope, filters):
        column = scope.child_column(doctype, fieldname)
        found.columns.add(fieldname)
        _add(found, scope, column, operator.strip().lower(), value)
    return found


def quadruples(scope: Scope, filters: object) -> list[tuple[str, str, str, Any]]:
    """Filters of any form as (DocType, fieldname, operator, value)."""
    own = scope.meta.name
    if isinstance(filters, dict):
        pairs = filters.items()
        return [
            (own, name, str(value[0]), value[1]) if isinstance(value, list) else (own, name, "=", value)
            for name, value in pairs
        ]
    return [_quadruple(scope, item) for item in filters or ()]  # type: ignore[attr-defined]


def _quadruple(scope: Scope, item: Any) -> tuple[str, str, str, Any]:  # noqa: ANN401 - whatever JSON held
    parts = list(item)
    if len(parts) == 3:  # noqa: PLR2004
        parts.insert(0, scope.meta.name)
    scope.require_doctype(str(parts[0]))  # so a malformed filter reads as a missing DocType [b_list/35, 56]
    if len(parts) < 4:  # noqa: PLR2004
        raise InvalidError(f"Filter must have 4 values (doctype, fieldname, operator, value): {item}")
    return str(parts[0]), str(parts[1]), str(parts[2]), parts[3]


def _add(found: Conditions, scope: Scope, column: Column, operator: str, value: Any) -> None:  # noqa: ANN401
    fit = _fitter(scope, column)
    key = _with_fallback(column, operator, value, coalesces=scope.manners.coalesces_filters)
    if operator == "is":
        found.add(f"coalesce({column.sql}, '') {'!=' if str(value).lower() == 'set' else '='} ''")
    elif operator in {"in", "not in"}:
        values = value if isinstance(value, list) else [part.strip() for part in str(value or "").split(",")]
        found.add(f"{key} {operator} (SELECT value FROM json_each(?))", json.dumps([fit(v) for v in values]))
    elif operator in {"like", "not like"}:
        source = f"coalesce({column.sql}, '')" if operator == "not like" else column.sql
        found.add(f"{operator.removesuffix('like')} matches({source}, ?)", str(value))
    elif operator == "between":
        found.add(f"{key} BETWEEN ? AND ?", *bounds(column, value))
    elif operator in _COMPARISONS:
        found.add(f"{key} {operator} ?", fit(value))
    else:
        raise InvalidError(
            f"Operator must be one of =, !=, <, <=, >, >=, in, not in, like, not like, between, is: {operator}"
        )


def _with_fallback(column: Column, operator: str, value: object, *, coalesces: bool) -> str:
    """Nulls count as empty where Frappe wraps the column in ifnull: never in names, stamps and numbers.

    Version 13 wraps nearly every column, also those never null, so that no index serves the filter [v13/b_list/08].
    """
    if coalesces and column.fieldtype not in NUMBER_FIELDTYPES and not (value and operator in {"=", "like"}):
        return f"coalesce({column.key}, {coalesced_fallback(column)})"
    is_empty_asked = operator in {"=", "in"} and (value in (None, "") or (isinstance(value, list) and "" in value))
    never_null = column.fieldname in {"name", "creation", "modified"} or column.fieldtype in NUMBER_FIELDTYPES
    if never_null or not (operator in _NULLS_COUNT or is_empty_asked):
        return column.key
    fallback = "0001-01-01" if column.fieldtype in {"Date", "Datetime"} and not is_empty_asked else ""
    return f"coalesce({column.key}, '{fallback}')"


def coalesced_fallback(column: Column) -> str:
    """What version 13 takes instead of null, as SQL."""
    if column.fieldname in {"creation", "modified"}:
        return "NULL"
    return {"Date": "'0001-01-01'", "Datetime": "'0001-01-01 00:00:00'"}.get(column.fieldtype, "''")


def _fitter(scope: Scope, column: Column) -> Callable[[Any], Any]:
    """What turns a filter's value into what the column holds."""
    if column.fieldname == "name" and scope.meta.has_integer_names:
        return _integer
    if column.is_text:
        return lambda value: collation_key("" if value is None else str(value))
    if column.fieldtype in INTEGER_FIELDTYPES:
        return _integer
    if column.fieldtype in NUMBER_FIELDTYPES:
        return _number
    return datetime_text if column.fieldtype == "Datetime" else lambda value: value or ""


def _integer(value: object) -> int:
    """Frappe's cint: what is no number is 0."""
    return int(_number(value))


def _number(value: object) -> float:
    try:
        return float(str(value))
    except ValueError:
        return 0.0


def bounds(column: Column, value: object) -> tuple[str, str]:
    """The ends of `between`; a day as an end of a Datetime is the whole day [b_list/51]."""
    if column.fieldtype not in {"Date", "Datetime"} or not isinstance(value, list) or len(value) != 2:  # noqa: PLR2004
        raise CrashedError("dateutil.parser._parser.ParserError", f"Unknown string format: {value}")
    low, high = str(value[0]), str(value[1])
    if column.fieldtype == "Date":
        return low[:10], high[:10]
    day = len("2026-01-01")
    return datetime_text(low), datetime_text(f"{high} 23:59:59.999999" if len(high) == day else high)
