"""Integrity rules: what rows of different documents owe each other, read from the mothership's own dictionary."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from federation.contract.fieldtypes import TEXT
from federation.quality import integrity_sql
from federation.quality.expectation import UNEXPECTED_ROWS, Expectation
from federation.quality.integrity_sql import CurrencyPath

_LEDGER: Final = "GL Entry"
_LEDGER_COLUMNS: Final = ("voucher_type", "voucher_no", "debit", "credit")
_CANCELLED: Final = "is_cancelled"
_SUMS: Final = (
    ("items", "Item", "total", "amount"),
    ("items", "Item", "net_total", "net_amount"),
    ("items", "Item", "total_qty", "qty"),
    ("accounts", "Account", "total_debit", "debit"),
    ("accounts", "Account", "total_credit", "credit"),
)
"""ERPNext's own sums (calculate_taxes_and_totals, JournalEntry.set_total_debit_credit): the field of the child rows,
how their DocType's name goes on behind the document's, the total, and what it adds up."""
_WAY_OVER_A_LINK: Final = 3
"""Parts of the options of a Currency field: the DocType, the field with the Link to it, its field with the currency."""
_FAILING: Final = "SELECT satellite, document FROM {batch} WHERE fails = 1"
"""What isn't expected of a rule's cases, which are the batch: in the engine's own words."""


@dataclass(frozen=True, slots=True)
class StoredColumn:
    """A column of the mothership as `federation_dictionary` tells it.

    Attributes:
        type: its Arrow type as text.
        options: the DocType that a Link leads to; the way from a Currency field to its currency.
        policy: where it is held back or altered; "" where every site gives it as it is.
    """

    table: str
    name: str
    doctype: str
    fieldname: str
    fieldtype: str
    type: str
    options: str
    policy: str


@dataclass(frozen=True, slots=True)
class IntegrityRule:
    """A rule over rows, and the SELECT that finds its cases.

    Attributes:
        doctype: of the documents that it is about; the expectation's is a child DocType where child rows are judged.
        expectation: what is expected: that a query over the cases finds no rows.
        cases: `(satellite, document, weight, fails, found, due)`: see `integrity_sql`.
    """

    doctype: str
    expectation: Expectation
    cases: str


def integrity_rules(columns: Iterable[StoredColumn], children: Mapping[str, Mapping[str, str]]) -> list[IntegrityRule]:
    """Return the rules that can be judged: on columns that every site gives as they are.

    Args:
        columns: all columns of all DocTypes.
        children: DocType → field → child DocType.
    """
    by_doctype: dict[str, dict[str, StoredColumn]] = {}
    for column in columns:
        by_doctype.setdefault(column.doctype, {})[column.name] = column
    rules: list[IntegrityRule] = []
    for doctype in sorted(by_doctype.keys() & children.keys()):
        own = by_doctype[doctype]
        rules += _links(doctype, own, by_doctype)
        for child in sorted({*children[doctype].values()} & by_doctype.keys()):
            rules += _links(doctype, by_doctype[child], by_doctype)
        rules += _totals(doctype, own, children[doctype], by_doctype)
    rules += _balance(by_doctype.get(_LEDGER, {}), by_doctype)
    return rules


def _links(
    doctype: str, columns: Mapping[str, StoredColumn], by_doctype: Mapping[str, Mapping[str, StoredColumn]]
) -> Iterator[IntegrityRule]:
    for column in columns.values():
        target = by_doctype.get(column.options, {}).get("name")
        if column.fieldtype != "Link" or column.type != str(TEXT) or column.policy or target is None:
            continue
        parenttype = "" if column.doctype == doctype else doctype
        reason = f"What {column.fieldname} names is there, in {column.options}."
        yield IntegrityRule(
            doctype,
            _expected(column, reason),
            integrity_sql.links(column.table, column.name, target.table, column.options, parenttype=parenttype),
        )


def _totals(
    doctype: str,
    own: Mapping[str, StoredColumn],
    children: Mapping[str, str],
    by_doctype: Mapping[str, Mapping[str, StoredColumn]],
) -> Iterator[IntegrityRule]:
    for field, suffix, total, addend in _SUMS:
        child = children.get(field, "")
        rows = by_doctype.get(child, {}) if child == f"{doctype} {suffix}" else {}
        if not _are_plain((own.get(total), rows.get(addend)), numbers=2):
            continue
        is_float = own[total].fieldtype == "Float"
        kept = "" if is_float else ", at its currency's precision"
        reason = f"{total} is the sum of {addend} over the rows of {field}{kept}."
        cases = integrity_sql.totals(
            own[total].table,
            total,
            rows[addend].table,
            addend,
            doctype=doctype,
            field=field,
            digits=integrity_sql.FLOAT_DIGITS if is_float else integrity_sql.HUNDREDTH,
            currency=_currency(own[total], own, by_doctype),
        )
        yield IntegrityRule(doctype, _expected(own[total], reason), cases)


def _balance(
    ledger: Mapping[str, StoredColumn], by_doctype: Mapping[str, Mapping[str, StoredColumn]]
) -> Iterator[IntegrityRule]:
    if _are_plain([ledger.get(name) for name in _LEDGER_COLUMNS], numbers=len(_LEDGER_COLUMNS)):
        table = ledger["debit"].table
        cancelled = _CANCELLED if _are_plain([ledger.get(_CANCELLED)], numbers=1) else ""
        reason = "The debit of every voucher is its credit, at its currency's precision; cancelled entries don't count."
        cases = integrity_sql.balance(table, cancelled, _currency(ledger["debit"], ledger, by_doctype))
        yield IntegrityRule(_LEDGER, _expected(ledger["debit"], reason), cases)


def _expected(column: StoredColumn, reason: str) -> Expectation:
    query = {"unexpected_rows_query": _FAILING}
    return Expectation(UNEXPECTED_ROWS, column.doctype, column.name, column.fieldname, reason, query)


def _currency(
    column: StoredColumn, own: Mapping[str, StoredColumn], by_doctype: Mapping[str, Mapping[str, StoredColumn]]
) -> CurrencyPath | None:
    """Return how rows lead to the currency of an amount, as Frappe itself goes (frappe.model.meta.get_field_currency).

    The options of its field name the row's field with the currency, or DocType:link:field of what a Link leads to. None
    where the mothership doesn't have all of it as the sites have it.
    """
    currencies = by_doctype.get("Currency", {})
    way = column.options.casefold().split(":")
    if column.fieldtype != "Currency" or not _are_plain(
        list(map(currencies.get, ("name", "number_format"))), numbers=2
    ):
        return None
    if len(way) != _WAY_OVER_A_LINK:
        held = own.get(way[0])
        return CurrencyPath(currencies["name"].table, held.name) if held and not held.policy else None
    _, link, field = way
    target = by_doctype.get(column.options.partition(":")[0], {})
    if not _are_plain([own.get(link), target.get("name"), target.get(field)], numbers=3):
        return None
    return CurrencyPath(currencies["name"].table, field, link, target["name"].table)


def _are_plain(columns: Sequence[StoredColumn | None], *, numbers: int) -> bool:
    return sum(column is not None and not column.policy for column in columns) == numbers
