"""What the organisation spends: Journal Entries for rent, salaries and the like, and what they post to the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from federation.demo.world.columns import money, pick, texts, wire_dates
from federation.demo.world.heads import Heads
from federation.demo.world.ledger import Vouchers

if TYPE_CHECKING:
    from federation.demo.world.columns import Integers, Texts
    from federation.demo.world.scene import Scene

DOCTYPE = "Journal Entry"
_PER_SALE = 0.08


def write_journals(
    scene: Scene, *, sales: int, begin: np.datetime64, end: np.datetime64, rng: np.random.Generator
) -> Vouchers:
    """Insert the journals of a stretch of time with so many sales; return what they post.

    Each pays an expense from the bank; a third withhold a tenth for the tax office.
    """
    site, clock = scene.site, scene.clock
    count = max(1, round(sales * _PER_SALE))
    created = begin + np.sort(rng.random(count) * (end - begin).astype(np.int64)).astype("timedelta64[us]")
    entered = created + rng.integers(500_000, 5_000_000, count).astype("timedelta64[us]")
    heads = Heads(
        doctype=DOCTYPE,
        names=scene.names.numbered(site.series.journals, clock.of(created)),
        owner=pick(site.users, count, rng),
        created=created,
        submitted=entered,
        modified=entered,
        docstatus=np.ones(count, np.int64),
    )
    posting = clock.dates(created)
    cost_center = scene.cost_centers(count, rng)
    spent = rng.integers(1_000, 500_000, count) * site.price_scale
    withheld = np.where(rng.random(count) < 1 / 3, spent // 10, 0)
    cents = np.column_stack([spent, withheld - spent, -withheld])
    expenses = np.array([scene.place_of(account) for account in site.accounts_of("Expense Account")])
    accounts = np.column_stack(
        [
            expenses[rng.integers(0, len(expenses), count)],
            np.full(count, scene.place_of(site.bank)),
            np.full(count, scene.place_of(site.withholding)),
        ]
    )
    titles = scene.account_titles[accounts[:, 0]]
    total = money(spent)
    columns = heads.columns(scene) | {
        "title": titles,
        "voucher_type": "Bank Entry",
        "naming_series": site.series.journals,
        "company": site.company,
        "posting_date": wire_dates(posting),
        "cheque_no": texts(f"B{number}" for number in rng.integers(1_000, 1_000_000, count).tolist()),
        "cheque_date": wire_dates(posting),
        "total_debit": total,
        "total_credit": total,
        "total_amount_currency": site.currency,
        "total_amount": total,
        "user_remark": titles,
        "remark": texts(f"Note: {title}" for title in titles),
        "is_opening": "No",
    }
    scene.insert(DOCTYPE, count, columns)
    _write_accounts(scene, heads, accounts, cents, cost_center)
    nothing = np.full(count, None, dtype=object)
    return Vouchers(
        doctype=DOCTYPE,
        subtype="Bank Entry",
        names=heads.names,
        owner=heads.owner,
        created=created,
        cancelled=np.full(count, np.datetime64("NaT", "us")),
        posting=posting,
        due=nothing,
        party_type="",
        party=nothing,
        against=nothing,
        against_type="",
        currency=np.full(count, site.currency, dtype=object),
        rate=np.ones(count),
        cost_center=cost_center,
        remarks=texts(f"Note: {title}" for title in titles),
        accounts=accounts,
        cents=cents,
        billed=cents,
    )


def _write_accounts(scene: Scene, heads: Heads, accounts: Integers, cents: Integers, cost_center: Texts) -> None:
    of, place = np.nonzero(cents)
    amount = cents[of, place]
    debit, credit = money(np.maximum(amount, 0)), money(np.maximum(-amount, 0))
    account = accounts[of, place]
    columns = heads.child_columns(of, place + 1, "accounts", scene) | {
        "account": scene.account_names[account],
        "account_type": texts(each.account_type for each in scene.site.accounts)[account],
        "cost_center": cost_center[of],
        "account_currency": scene.site.currency,
        "exchange_rate": 1.0,
        "debit_in_account_currency": debit,
        "debit": debit,
        "credit_in_account_currency": credit,
        "credit": credit,
        "is_advance": "No",
    }
    scene.insert("Journal Entry Account", len(of), columns)
