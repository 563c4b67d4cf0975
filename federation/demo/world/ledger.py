"""The general ledger: vouchers become GL Entries that balance to the cent, reversed where the voucher was cancelled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from federation.demo.world.columns import money, only, texts, wire_dates

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from federation.demo.world.columns import Dates, Flags, Instants, Integers, Texts
    from federation.demo.world.heads import Heads
    from federation.demo.world.scene import Scene

GL_SERIES = "ACC-GLE-.YYYY.-"
STOCK_SERIES = "MAT-SLE-.YYYY.-"
_POSTING_GAP = np.timedelta64(7_131, "us")
_RENAMING_GAP = np.timedelta64(903, "us")
_HOUR = np.timedelta64(1, "h")


@dataclass(frozen=True)
class Vouchers:
    """Submitted or cancelled documents of one DocType and what they post; n entries, up to k postings each.

    `accounts` (n, k) are places in the company's chart. `cents` (n, k) are signed amounts in company currency, debit
    positive, each row's sum zero; `billed` the same in the document's currency. Posting 0 carries the party, if any,
    and settles `against`. `cancelled` is NaT for documents that stand.
    """

    doctype: str
    subtype: str
    names: Texts
    owner: Texts
    created: Instants
    cancelled: Instants
    posting: Dates
    due: Texts
    party_type: str
    party: Texts
    against: Texts
    against_type: str
    currency: Texts
    rate: NDArray[np.float64]
    cost_center: Texts
    remarks: Texts
    accounts: Integers
    cents: Integers
    billed: Integers


def billed_vouchers(
    scene: Scene,
    heads: Heads,
    posted: Integers,
    *,
    posting: Dates,
    due: Dates,
    party_type: str,
    party: Texts,
    cost_center: Texts,
    accounts: Integers,
    cents: Integers,
) -> Vouchers:
    """What documents post that bill a party in company currency, for a debt that is each one's own.

    `posted` are the places of those among `heads` that post at all; every column after it holds these alone.
    """
    names, docstatus, count = heads.names[posted], heads.docstatus[posted], len(posted)
    return Vouchers(
        doctype=heads.doctype,
        subtype=heads.doctype,
        names=names,
        owner=heads.owner[posted],
        created=heads.created[posted],
        cancelled=np.where(docstatus > 1, heads.submitted[posted], np.datetime64("NaT", "us")),
        posting=posting,
        due=texts(wire_dates(due)),
        party_type=party_type,
        party=party,
        against=names,
        against_type=heads.doctype,
        currency=np.full(count, scene.site.currency, dtype=object),
        rate=np.ones(count),
        cost_center=cost_center,
        remarks=np.full(count, "No Remarks", dtype=object),
        accounts=accounts,
        cents=cents,
        billed=cents,
    )


@dataclass(frozen=True)
class _Postings:
    """m postings in the order in which they were made: which voucher and which of its postings, taken back or not."""

    voucher: Integers
    slot: Integers
    sign: Integers
    created: Instants


def post(scene: Scene, vouchers: Vouchers, rng: np.random.Generator) -> None:
    """Write the GL Entries of vouchers."""
    made = _in_order(vouchers)
    voucher, slot, created = made.voucher, made.slot, made.created
    cancelled = vouchers.cancelled[voucher]
    modified, is_temporary = named_hourly(created, np.fmax(created, cancelled), scene.until)
    cents, billed = vouchers.cents[voucher, slot] * made.sign, vouchers.billed[voucher, slot] * made.sign
    debit, credit = money(np.maximum(cents, 0)), money(np.maximum(-cents, 0))
    first, second = (scene.account_names[vouchers.accounts[:, place]] for place in (0, 1))
    has_party = vouchers.party.astype(bool)
    counterpart = np.where(has_party, vouchers.party, first)
    leads = slot == 0
    settles = leads & has_party[voucher]
    owner = vouchers.owner[voucher]
    columns = {
        "name": ledger_names(scene, GL_SERIES, created, is_temporary),
        "owner": owner,
        "creation": scene.clock.wire(created),
        "modified": scene.clock.wire(tied(modified, rng)),
        "modified_by": owner,
        "docstatus": 1,
        "idx": 0,
        "posting_date": wire_dates(vouchers.posting[voucher]),
        "transaction_date": None,
        "fiscal_year": fiscal_years(vouchers.posting, scene.site.fiscal_year_starts)[voucher],
        "due_date": only(leads, vouchers.due[voucher]),
        "account": scene.account_names[vouchers.accounts[voucher, slot]],
        "account_currency": scene.site.currency,
        "against": np.where(leads, second[voucher], counterpart[voucher]),
        "party_type": only(settles, vouchers.party_type),
        "party": only(settles, vouchers.party[voucher]),
        "voucher_type": vouchers.doctype,
        "voucher_no": vouchers.names[voucher],
        "voucher_subtype": vouchers.subtype,
        "transaction_currency": vouchers.currency[voucher],
        "against_voucher_type": only(settles, vouchers.against_type),
        "against_voucher": only(settles, vouchers.against[voucher]),
        "voucher_detail_no": None,
        "transaction_exchange_rate": vouchers.rate[voucher],
        "debit_in_account_currency": debit,
        "debit": debit,
        "debit_in_transaction_currency": money(np.maximum(billed, 0)),
        "credit_in_account_currency": credit,
        "credit": credit,
        "credit_in_transaction_currency": money(np.maximum(-billed, 0)),
        "cost_center": vouchers.cost_center[voucher],
        "project": None,
        "finance_book": None,
        "company": scene.site.company,
        "is_opening": "No",
        "is_advance": "No",
        "to_rename": is_temporary.astype(np.int64),
        "is_cancelled": (~np.isnat(cancelled)).astype(np.int64),
        "remarks": vouchers.remarks[voucher],
    }
    scene.insert("GL Entry", len(created), columns)


def _in_order(vouchers: Vouchers) -> _Postings:
    """All postings, those of cancelled vouchers twice: as made, and taken back when the voucher was cancelled."""
    voucher, slot = np.nonzero(vouchers.cents)
    undone = np.flatnonzero(~np.isnat(vouchers.cancelled[voucher]))
    made = vouchers.created[voucher] + slot * _POSTING_GAP
    taken_back = vouchers.cancelled[voucher[undone]] + (slot[undone] + 1) * _POSTING_GAP
    created = np.concatenate([made, taken_back])
    order = np.argsort(created, kind="stable")
    return _Postings(
        voucher=np.concatenate([voucher, voucher[undone]])[order],
        slot=np.concatenate([slot, slot[undone]])[order],
        sign=np.repeat([1, -1], [len(voucher), len(undone)])[order],
        created=created[order],
    )


def named_hourly(created: Instants, touched: Instants, until: np.datetime64) -> tuple[Instants, Flags]:
    """When each ledger row last changed, and which ones the hourly job has not named yet [f_deletions/35-39]."""
    hour = created.astype("datetime64[h]").astype("datetime64[us]") + _HOUR
    _, first, inverse = np.unique(hour, return_index=True, return_inverse=True)
    job = hour + (np.arange(len(hour)) - first[inverse]) * _RENAMING_GAP
    is_temporary: Flags = np.greater(job, until)
    return np.where(is_temporary, touched, np.fmax(job, touched)), is_temporary


def ledger_names(scene: Scene, series: str, created: Instants, is_temporary: Flags) -> Texts:
    """Numbers of the series for the rows that the hourly job came to, temporary names for the others."""
    names = np.empty(len(created), dtype=object)
    names[~is_temporary] = scene.names.numbered(series, scene.clock.of(created[~is_temporary]))
    names[is_temporary] = scene.names.temporary(int(is_temporary.sum()))
    return names


def fiscal_years(posting: Dates, starts: int) -> Texts:
    """What each day's fiscal year is called, where years start in month `starts`."""
    months = posting.astype("datetime64[M]").astype(np.int64) - (starts - 1)
    years, inverse = np.unique(months // 12 + 1970, return_inverse=True)
    return texts(fiscal_year(year, starts) for year in years.tolist())[inverse]


def fiscal_year(year: int, starts: int) -> str:
    """What the fiscal year is called that starts in month `starts` of `year`."""
    return f"{year}-{year + 1}" if starts > 1 else str(year)


def tied(modified: Instants, rng: np.random.Generator, *, at_most: int = 500) -> Instants:
    """Give a run of rows one `modified`, as one UPDATE over many rows does."""
    if len(modified) == 0:
        return modified
    instant = np.sort(modified)[int(len(modified) * rng.uniform(0.6, 0.9))]
    eligible = np.flatnonzero(modified < instant)
    start = int(rng.integers(0, max(1, len(eligible) - at_most)))
    result = modified.copy()
    result[eligible[start : start + at_most]] = instant
    return result
