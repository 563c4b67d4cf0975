"""Fields, order_by and group_by of a list request, checked and translated from MariaDB's SQL into SQLite's."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from federation.demo.site.errors import CrashedError, FieldRefusedError, InvalidError
from federation.demo.site.meta import DECIMAL_FIELDTYPES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from federation.demo.site.scope import Column, Scope

_PLAIN = re.compile(
    r"(?:(?:`(?P<table>tab[^`]+)`|(?P<field>\w+))\.)?`?(?P<column>\w+)`?(?:\s+as\s+[`']?(?P<alias>\w+)[`']?)?",
    re.IGNORECASE,
)
_ALIASED = re.compile(r"(?P<expression>.+?)(?:\s+as\s+[`']?(?P<alias>\w+)[`']?)?", re.IGNORECASE | re.DOTALL)
_ORDER_LEGAL = re.compile(r"[a-z0-9\-_ ,`'\".()]+", re.IGNORECASE)
_DIRECTION = re.compile(r"\s+(asc|desc)\s*$", re.IGNORECASE)
_AS = re.compile(r"\s+as\s+", re.IGNORECASE)
_COUNTING = ("count(", "sum(", "avg(")
_SLEEP = re.compile(r"\bsleep\s*\(", re.IGNORECASE)

_TRANSLATED = (exp.Column, exp.Sum, exp.Left, exp.BitwiseXorAgg, exp.TimestampDiff)


@dataclass(frozen=True)
class Selected:
    """One field of the answer: its key in a row and its SQL."""

    key: str
    sql: str
    column: Column | None
    """The column it is, unless it is computed."""
    is_aggregate: bool = False


def select(scope: Scope, fields: Sequence[str]) -> list[Selected]:
    """Resolve the fields asked for. Withheld ones are missing from the result without a word, as in Frappe.

    Raises:
        FieldRefusedError: a field that the DocType lacks, or `*` beside others.
        CrashedError: what Frappe stumbles over.
    """
    if not scope.manners.computes:
        for field in fields:
            _check_uncomputed(field.strip())
    if list(fields) == ["*"]:
        return [Selected(column.fieldname, column.sql, column) for column in scope.permitted()]
    selected = (_selected(scope, field.strip()) for field in fields)
    return [field for field in selected if field is not None]


def order_terms(scope: Scope, order_by: str, aliases: Sequence[str]) -> str:
    """The terms of ORDER BY. Names and text sort as in the site's collation.

    Raises:
        InvalidError: characters or functions that Frappe refuses [b_list/33, 34].
    """
    terms = []
    for term in _split(_checked(order_by)):
        direction = _DIRECTION.search(term)
        expression = _DIRECTION.sub("", term).strip()
        terms.append(_key(scope, expression, aliases) + (f" {direction[1]}" if direction else ""))
    return ", ".join(terms)


def group_terms(scope: Scope, group_by: str) -> str:
    """The terms of GROUP BY: text that the collation holds equal falls into one group.

    Raises:
        InvalidError: characters or functions that Frappe refuses [b_list/63].
    """
    return ", ".join(_key(scope, term, ()) for term in _split(_checked(group_by)))


def _check_uncomputed(field: str) -> None:
    """Before version 15: fields, and count, sum and avg of one."""
    if any(mark in field for mark in (",", "/*", "#")):
        raise FieldRefusedError(field)
    bare = _AS.split(field)[0]
    if bare.startswith(_COUNTING):
        bare = bare.partition("(")[2].removesuffix(")")
    if bare != "*" and not _PLAIN.fullmatch(bare):
        raise FieldRefusedError(bare)


def _selected(scope: Scope, field: str) -> Selected | None:
    if match := _PLAIN.fullmatch(field):
        qualifier, fieldname = match["table"] or match["field"] or "", match["column"]
        if not qualifier and scope.is_withheld(fieldname):
            return None
        column = scope.column(fieldname, qualifier)
        return Selected(match["alias"] or fieldname, column.sql, column)
    match = _ALIASED.fullmatch(field)
    if match is None or field == "*":
        raise FieldRefusedError(field)
    tree = _parsed(match["expression"])
    is_aggregate = tree.find(exp.AggFunc) is not None
    return Selected(match["alias"] or match["expression"], _translated(scope, tree), None, is_aggregate)


def _key(scope: Scope, expression: str, aliases: Sequence[str]) -> str:
    bare = expression.strip("`")
    if bare in aliases and bare not in scope.meta.columns:
        return f'"{bare}"'
    if match := _PLAIN.fullmatch(expression):
        return scope.column(match["column"], match["table"] or match["field"] or "").key
    return _translated(scope, _parsed(expression))


def _checked(terms: str) -> str:
    if not _ORDER_LEGAL.fullmatch(terms):
        raise InvalidError("Illegal SQL Query")
    if _SLEEP.search(terms):
        raise InvalidError(f"Cannot use {terms} in order/group by")
    return terms


def _split(terms: str) -> list[str]:
    """Split at commas outside parentheses."""
    return [term.strip() for term in re.split(r",(?![^(]*\))", terms) if term.strip()]


def _parsed(expression: str) -> exp.Expression:
    try:
        tree = sqlglot.parse_one(f"SELECT {expression}", dialect="mysql")
    except SqlglotError:
        raise CrashedError("pymysql.err.ProgrammingError", f"(1064, 'syntax error near {expression!r}')") from None
    if not isinstance(tree, exp.Select) or len(tree.expressions) != 1 or len(list(tree.find_all(exp.Query))) != 1:
        raise InvalidError("Use of sub-query or function is restricted")
    only: exp.Expression = tree.expressions[0]
    if only.find(exp.Star):
        raise FieldRefusedError("*")
    if not only.find(exp.Column):
        raise CrashedError("IndexError", "list index out of range")  # [b_list/25]: Frappe looks for the column
    return only


def _translated(scope: Scope, tree: exp.Expression) -> str:
    holder = exp.Tuple(expressions=[tree])
    for node in reversed(list(holder.find_all(*_TRANSLATED))):  # the inner ones first
        node.replace(_node(scope, node))
    return str(holder.expressions[0].sql(dialect="sqlite"))


def _node(scope: Scope, node: exp.Expression) -> exp.Expression:
    if isinstance(node, exp.Column):
        return _column_node(scope, node)
    if isinstance(node, exp.Sum):  # a DECIMAL to MariaDB, a float on the wire [b_list/28]
        return exp.cast(exp.Anonymous(this="sum", expressions=[node.this]), "double")
    if isinstance(node, exp.Left):
        return exp.Anonymous(this="substr", expressions=[node.this, exp.Literal.number(1), node.expression])
    if isinstance(node, exp.BitwiseXorAgg):
        return exp.Anonymous(this="bit_xor", expressions=[node.this])
    unit = exp.Literal.string(node.text("unit").upper())
    return exp.Anonymous(this="timestampdiff", expressions=[unit, node.expression, node.this])


def _column_node(scope: Scope, node: exp.Column) -> exp.Expression:
    column = scope.column(node.name, node.table)
    if isinstance(node.parent, exp.Max | exp.Min) and column.is_text:
        return exp.var(f"{column.sql} COLLATE unicode_ci")
    if _is_printed(node):
        if column.fieldtype == "Datetime":
            return exp.var(f"as_datetime6({column.sql})")
        if column.fieldtype in DECIMAL_FIELDTYPES:
            return exp.var(f"printf('%.9f', {column.sql})")
    return exp.var(column.sql)


def _is_printed(node: exp.Expression) -> bool:
    """Whether a function reads the value as text, where MariaDB shows all decimals."""
    parent = node.parent
    while parent is not None:
        if isinstance(parent, exp.Concat | exp.ConcatWs | exp.MD5) or parent.name.lower() == "crc32":
            return True
        parent = parent.parent
    return False
