"""Integrity SQL: the SELECTs that find the cases of a rule over rows, on every database of the mothership.

Each yields `(satellite, document, weight, fails)`: a document that stands for `weight` rows alike, and 1 or 0.
"""

from __future__ import annotations

from typing import Final

from federation.erasure.suppression import PSEUDONYM
from federation.mothership.sql import Fragment, identifier, literal

HALF_A_HUNDREDTH: Final = "0.005"
"""What rounding to the hundredth leaves: ERPNext keeps amounts at two decimals unless a site sets more."""


def links(table: str, link: str, target: str, target_doctype: str, *, parenttype: str) -> str:
    """Return the cases of a Link: rows whose target isn't in its table.

    Only rows that were seen before the target's DocType was last complete: what a newer row leads to may still be read;
    and none that lead to the pseudonym of an erased document.

    Args:
        table: the rows.
        link: the Link's column.
        target: the table that it leads to.
        target_doctype: the DocType of that table.
        parenttype: the DocType of the documents whose child rows these are, "" where they are documents.
    """
    document = "parent" if parenttype else "name"
    own = f"AND here.parenttype = {literal(parenttype)} " if parenttype else ""
    alive = f"AND left(here.{identifier(link)}, {len(PSEUDONYM)}) <> {literal(PSEUDONYM)} "
    return (
        "SELECT held.satellite, held.document, held.weight, "
        f"CASE WHEN target.{_NAME} IS NULL THEN 1 ELSE 0 END AS fails "
        f"FROM (SELECT here.satellite, here.{identifier(link)} AS link, count(*) AS weight, "
        f"min(here.{identifier(document)}) AS document FROM {identifier(table)} AS here "
        "JOIN federation_freshness AS fresh ON fresh.satellite = here.satellite "
        f"AND fresh.doctype = {literal(target_doctype)} AND here.observed <= fresh.as_of "
        f"WHERE here.{identifier(link)} <> '' {alive}{own}"
        f"GROUP BY here.satellite, here.{identifier(link)}) AS held "
        f"LEFT JOIN {identifier(target)} AS target "
        f"ON target.satellite = held.satellite AND target.{_NAME} = held.link"
    )


def balance(ledger: str, cancelled: str) -> str:
    """Return the cases of the ledger: vouchers whose debit isn't their credit.

    Args:
        ledger: the table of GL Entry.
        cancelled: the column that says that an entry is cancelled, "" where no site has it.
    """
    where = f"WHERE coalesce({identifier(cancelled)}, 0) = 0 " if cancelled else ""
    return (
        "SELECT satellite, voucher_no AS document, 1 AS weight, "
        f"{_differ(Fragment('sum(debit)'), Fragment('sum(credit)'))} AS fails "
        f"FROM {identifier(ledger)} {where}GROUP BY satellite, voucher_type, voucher_no"
    )


def totals(table: str, total: str, child: str, addend: str, *, doctype: str, field: str) -> str:
    """Return the cases of a total: documents whose total isn't the sum over the child rows in one of their fields."""
    return (
        f"SELECT here.satellite, here.{_NAME} AS document, 1 AS weight, "
        f"{_differ(Fragment(f'here.{identifier(total)}'), Fragment('coalesce(added.total, 0)'))} AS fails "
        f"FROM {identifier(table)} AS here LEFT JOIN (SELECT satellite, parent, sum({identifier(addend)}) AS total "
        f"FROM {identifier(child)} WHERE parenttype = {literal(doctype)} AND parentfield = {literal(field)} "
        "GROUP BY satellite, parent) AS added "
        f"ON added.satellite = here.satellite AND added.parent = here.{_NAME} "
        f"WHERE here.{identifier(total)} IS NOT NULL"
    )


def verdicts(cases: str) -> str:
    """Return the SELECT of `(satellite, judged, failing)` over cases, by satellite."""
    return (
        "SELECT satellite, sum(weight) AS judged, sum(weight * fails) AS failing "
        f"FROM ({cases}) AS cases GROUP BY satellite ORDER BY satellite"
    )


def examples(cases: str, satellite: str, count: int) -> str:
    """Return the SELECT of the first documents of a satellite that fail."""
    return (
        f"SELECT DISTINCT document FROM ({cases}) AS cases "
        f"WHERE satellite = {literal(satellite)} AND fails = 1 ORDER BY document LIMIT {count}"
    )


_NAME: Final = identifier("name")


def _differ(one: Fragment, other: Fragment) -> str:
    return f"CASE WHEN abs(coalesce({one}, 0) - coalesce({other}, 0)) >= {HALF_A_HUNDREDTH} THEN 1 ELSE 0 END"
