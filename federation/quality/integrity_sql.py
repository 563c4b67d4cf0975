"""Integrity SQL: the SELECTs that find the cases of a rule over rows, on every database of the mothership.

Each yields `(satellite, document, weight, fails, found, due)`: a document that stands for `weight` rows alike, 1 or 0,
what it holds, and what that should be, where this can be told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from federation.erasure.suppression import PSEUDONYM
from federation.mothership.sql import Fragment, identifier, literal

HUNDREDTH: Final = 2
"""Digits behind the point where no currency says otherwise: Frappe's own default."""
FLOAT_DIGITS: Final = 3
"""Digits behind the point of a Float where no field says otherwise: Frappe's own default."""
DIGITS: Final[Mapping[str, int]] = {
    "#,###.##": 2,
    "#.###,##": 2,
    "# ###.##": 2,
    "# ###,##": 2,
    "#'###.##": 2,
    "#, ###.##": 2,
    "#,##,###.##": 2,
    "#,###.###": 3,
    "#.###": 0,
    "#,###": 0,
    "#.########": 8,
}
"""Number format of a currency → its digits behind the point (frappe.utils.data.number_format_info)."""


@dataclass(frozen=True, slots=True)
class CurrencyPath:
    """How rows lead to their currency, as the options of a Currency field say.

    Attributes:
        currencies: the table of Currency.
        field: the column with the currency's name: of the rows, or of what `link` leads to.
        link: the rows' column with a Link to what has the currency, "" where they have it themselves.
        target: the table that it leads to.
    """

    currencies: str
    field: str
    link: str = ""
    target: str = ""


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
        f"CASE WHEN target.{_NAME} IS NULL THEN 1 ELSE 0 END AS fails, held.link AS found, NULL AS due "
        f"FROM (SELECT here.satellite, here.{identifier(link)} AS link, count(*) AS weight, "
        f"min(here.{identifier(document)}) AS document FROM {identifier(table)} AS here "
        "JOIN federation_freshness AS fresh ON fresh.satellite = here.satellite "
        f"AND fresh.doctype = {literal(target_doctype)} AND here.observed <= fresh.as_of "
        f"WHERE here.{identifier(link)} <> '' {alive}{own}"
        f"GROUP BY here.satellite, here.{identifier(link)}) AS held "
        f"LEFT JOIN {identifier(target)} AS target "
        f"ON target.satellite = held.satellite AND target.{_NAME} = held.link"
    )


def balance(ledger: str, cancelled: str, currency: CurrencyPath | None) -> str:
    """Return the cases of the ledger: vouchers whose debit isn't their credit.

    Args:
        ledger: the table of GL Entry.
        cancelled: the column that says that an entry is cancelled, "" where no site has it.
        currency: how entries lead to their currency, None where the mothership doesn't have it.
    """
    where = f"WHERE coalesce(here.{identifier(cancelled)}, 0) = 0 " if cancelled else ""
    joins, half = _half(currency, HUNDREDTH)
    sums = (
        "SELECT here.satellite, here.voucher_no AS document, coalesce(sum(here.debit), 0) AS found, "
        f"coalesce(sum(here.credit), 0) AS due, min({half}) AS half "
        f"FROM {identifier(ledger)} AS here {joins}{where}"
        "GROUP BY here.satellite, here.voucher_type, here.voucher_no"
    )
    return _differing(sums)


def totals(
    table: str,
    total: str,
    child: str,
    addend: str,
    *,
    doctype: str,
    field: str,
    digits: int,
    currency: CurrencyPath | None,
) -> str:
    """Return the cases of a total: documents whose total isn't the sum over the child rows in one of their fields.

    Args:
        table: the documents.
        total: the column of their total.
        child: the child rows.
        addend: the column that is added up.
        doctype: the documents' DocType.
        field: their field with the child rows.
        digits: digits behind the point where no currency says otherwise.
        currency: how documents lead to their currency, None where the total has none, or the mothership hasn't.
    """
    joins, half = _half(currency, digits)
    sums = (
        f"SELECT here.satellite, here.{_NAME} AS document, here.{identifier(total)} AS found, "
        f"coalesce(added.total, 0) AS due, {half} AS half "
        f"FROM {identifier(table)} AS here LEFT JOIN (SELECT satellite, parent, sum({identifier(addend)}) AS total "
        f"FROM {identifier(child)} WHERE parenttype = {literal(doctype)} AND parentfield = {literal(field)} "
        "GROUP BY satellite, parent) AS added "
        f"ON added.satellite = here.satellite AND added.parent = here.{_NAME} {joins}"
        f"WHERE here.{identifier(total)} IS NOT NULL"
    )
    return _differing(sums)


def verdicts(cases: str) -> str:
    """Return the SELECT of `(satellite, judged, failing)` over cases, by satellite."""
    return (
        "SELECT satellite, sum(weight) AS judged, sum(weight * fails) AS failing "
        f"FROM ({cases}) AS cases GROUP BY satellite ORDER BY satellite"
    )


def examples(cases: str, satellite: str, count: int) -> str:
    """Return the SELECT of the first documents of a satellite that fail, with what they hold and what is due."""
    return (
        f"SELECT document, min(found), min(due) FROM ({cases}) AS cases "
        f"WHERE satellite = {literal(satellite)} AND fails = 1 GROUP BY document ORDER BY document LIMIT {count}"
    )


_NAME: Final = identifier("name")
_DEFAULT_FORMAT: Final = "#,###.##"


def _differing(sums: str) -> str:
    return (
        "SELECT satellite, document, 1 AS weight, "
        "CASE WHEN abs(found - due) >= half THEN 1 ELSE 0 END AS fails, found, due "
        f"FROM ({sums}) AS sums"
    )


def _half(currency: CurrencyPath | None, digits: int) -> tuple[str, Fragment]:
    """Return the joins that lead to the rows' currency, and half of the last digit that it counts."""
    if currency is None:
        return "", Fragment(_half_of(digits))
    holder, joins = "here", ""
    if currency.link:
        holder = "holder"
        joins = (
            f"LEFT JOIN {identifier(currency.target)} AS holder ON holder.satellite = here.satellite "
            f"AND holder.{_NAME} = here.{identifier(currency.link)} "
        )
    joins += (
        f"LEFT JOIN {identifier(currency.currencies)} AS currency ON currency.satellite = here.satellite "
        f"AND currency.{_NAME} = {holder}.{identifier(currency.field)} "
    )
    others = " ".join(
        f"WHEN {literal(form)} THEN {_half_of(at)}" for form, at in DIGITS.items() if at != DIGITS[_DEFAULT_FORMAT]
    )
    return joins, Fragment(f"CASE currency.number_format {others} ELSE {_half_of(digits)} END")


def _half_of(digits: int) -> str:
    """Return half of the last of so many digits behind the point: below it two amounts are the same."""
    return f"0.{'0' * digits}5"
