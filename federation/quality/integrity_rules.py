"""Integrity rules: what rows of different documents owe each other, read from the mothership's own dictionary."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from federation.contract.fieldtypes import TEXT
from federation.quality import integrity_sql
from federation.quality.expectation import Expectation

LINKS: Final = "links_lead_to_documents"
BALANCE: Final = "vouchers_balance"
TOTALS: Final = "totals_are_sums"

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


@dataclass(frozen=True, slots=True)
class StoredColumn:
    """A column of the mothership as `federation_dictionary` tells it.

    Attributes:
        type: its Arrow type as text.
        options: the DocType that a Link leads to.
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
        expectation: what is expected; its type is one of ours, Great Expectations has none for it.
        cases: `(satellite, document, weight, fails)`: a document that stands for `weight` rows alike, and whether they
            fail (1) or don't (0).
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
    rules += _balance(by_doctype.get(_LEDGER, {}))
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
            Expectation(LINKS, column.doctype, column.name, column.fieldname, reason),
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
        reason = f"{total} is the sum of {addend} over the rows of {field}, to the hundredth."
        yield IntegrityRule(
            doctype,
            Expectation(TOTALS, doctype, total, total, reason),
            integrity_sql.totals(own[total].table, total, rows[addend].table, addend, doctype=doctype, field=field),
        )


def _balance(ledger: Mapping[str, StoredColumn]) -> Iterator[IntegrityRule]:
    if _are_plain([ledger.get(name) for name in _LEDGER_COLUMNS], numbers=len(_LEDGER_COLUMNS)):
        table = ledger["debit"].table
        cancelled = _CANCELLED if _are_plain([ledger.get(_CANCELLED)], numbers=1) else ""
        reason = "The debit of every voucher is its credit, to the hundredth; cancelled entries don't count."
        yield IntegrityRule(
            _LEDGER, Expectation(BALANCE, _LEDGER, "debit", "debit", reason), integrity_sql.balance(table, cancelled)
        )


def _are_plain(columns: Sequence[StoredColumn | None], *, numbers: int) -> bool:
    return sum(column is not None and not column.policy for column in columns) == numbers
