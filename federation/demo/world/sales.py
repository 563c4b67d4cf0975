"""One stretch of trade, drawn from a seed: who bought what when, at which price and tax, and how each sale ended."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from federation.demo.world.columns import Instants, Integers
    from federation.demo.world.masters import Customers
    from federation.demo.world.scene import Scene
    from federation.demo.world.sites import SiteSpec

MAX_TAXES = 2
_DAY_US = 86_400_000_000
_WORKING_US = 9 * 3_600_000_000
_CENTS = 100


class Fate(IntEnum):
    """How a deal stands at the end of the history."""

    DRAFT = 0
    OPEN = 1
    PARTLY_PAID = 2
    PAID = 3
    CANCELLED = 4
    RETURNED = 5


_FATES = {
    Fate.DRAFT: 0.02,
    Fate.OPEN: 0.10,
    Fate.PARTLY_PAID: 0.08,
    Fate.PAID: 0.76,
    Fate.CANCELLED: 0.02,
    Fate.RETURNED: 0.02,
}
_SERVICE_SHARE = 0.15
_OFFICE_SHARE = 0.9


@dataclass(frozen=True)
class Sales:
    """n sales with m lines, in the order in which they were invoiced. Amounts in cents of the billed currency.

    `ended` is when the fate came about (NaT for drafts and open sales). Lines of sale i are
    `first_line[i] … first_line[i] + line_count[i] - 1`. `quantity` counts halves. `tax` and `tax_account` are
    (n, MAX_TAXES), 0 and -1 where a sale has fewer. Names that start with `base_` are in company currency.
    `paid_share` is the part of the grand total that was paid.
    """

    customer: Integers
    created: Instants
    ended: Instants
    fate: Integers
    paid_share: NDArray[np.float64]
    rate: NDArray[np.float64]
    template: Integers
    income_account: Integers
    first_line: Integers
    line_count: Integers
    product: Integers
    quantity: Integers
    price: Integers
    amount: Integers
    base_price: Integers
    base_amount: Integers
    total: Integers
    base_total: Integers
    tax: Integers
    base_tax: Integers
    tax_account: Integers
    tax_rate: NDArray[np.float64]


def draw_sales(
    rng: np.random.Generator,
    scene: Scene,
    customers: Customers,
    *,
    count: int,
    begin: np.datetime64,
    end: np.datetime64,
) -> Sales:
    """`count` sales invoiced between `begin` and `end` (UTC), as they stand at the end of the scene."""
    site = scene.site
    created = working_instants(rng, count, begin, end, opens=scene.clock.opening(begin))
    fate, ended = fates(rng, created, scene.last_start)
    known = np.searchsorted(customers.created, created)
    customer = (known * rng.random(count) ** 2).astype(np.int64)  # few customers buy most
    rate = np.where(customers.is_foreign[customer], site.foreign_rate, 1.0)

    line_count = rng.integers(1, 6, count)
    first_line = np.cumsum(line_count) - line_count
    lines = int(line_count.sum())
    product = rng.integers(0, len(site.products), lines)
    list_price = np.array([round(item.price * _CENTS) for item in site.products])[product]
    line_rate = np.repeat(rate, line_count)
    price = np.maximum(1, np.rint(list_price * rng.uniform(0.85, 1.1, lines) / line_rate)).astype(np.int64)
    quantity = rng.integers(1, 41, lines)
    amount = (price * quantity + 1) // 2
    base_amount = np.rint(amount * line_rate).astype(np.int64)
    total = np.add.reduceat(amount, first_line)
    base_total = np.add.reduceat(base_amount, first_line)

    template = rng.choice(len(site.taxes), count, p=_tax_shares(len(site.taxes)))
    heads, rates = _tax_tables(site)
    tax = np.rint(total[:, None] * rates[template] / _CENTS).astype(np.int64)
    income = [scene.place_of(account) for account in site.accounts_of("Income Account")]
    return Sales(
        customer=customer,
        created=created,
        ended=ended,
        fate=fate,
        paid_share=np.select(
            [fate == Fate.PAID, fate == Fate.PARTLY_PAID], [np.ones(count), rng.uniform(0.2, 0.8, count)]
        ),
        rate=rate,
        template=template,
        income_account=np.array(income)[(rng.random(count) < _SERVICE_SHARE).astype(np.int64)],
        first_line=first_line,
        line_count=line_count,
        product=product,
        quantity=quantity,
        price=price,
        amount=amount,
        base_price=np.rint(price * line_rate).astype(np.int64),
        base_amount=base_amount,
        total=total,
        base_total=base_total,
        tax=tax,
        base_tax=np.rint(tax * rate[:, None]).astype(np.int64),
        tax_account=heads[template],
        tax_rate=rates[template],
    )


def working_instants(
    rng: np.random.Generator, count: int, begin: np.datetime64, end: np.datetime64, *, opens: np.timedelta64
) -> Instants:
    """Sorted instants, most in working hours (from `opens` after midnight UTC), the web shop's around the clock."""
    anytime = begin + (rng.random(count) * (end - begin).astype(np.int64)).astype("timedelta64[us]")
    day = anytime.astype("datetime64[D]").astype("datetime64[us]")
    working = day + opens + rng.integers(0, _WORKING_US, count).astype("timedelta64[us]")
    is_working = (rng.random(count) < _OFFICE_SHARE) & (working > begin) & (working < end)
    return np.sort(np.where(is_working, working, anytime))


def fates(rng: np.random.Generator, created: Instants, until: np.datetime64) -> tuple[Integers, Instants]:
    """Draw each deal's end; what would come about after `until` has not happened: the deal is open."""
    count = len(created)
    fate = rng.choice(np.array(list(_FATES), dtype=np.int64), count, p=list(_FATES.values()))
    days = np.minimum(0.05 + rng.exponential(22, count), 120)
    ended = created + (days * _DAY_US).astype(np.int64).astype("timedelta64[us]")
    fate = np.where((fate > Fate.OPEN) & (ended > until), Fate.OPEN, fate)
    return fate, np.where(fate > Fate.OPEN, ended, np.datetime64("NaT", "us"))


def _tax_shares(count: int) -> list[float]:
    """Most sales fall under the first template, the last one is rare."""
    weights = [float(1 << place) for place in reversed(range(count))]
    return [weight / sum(weights) for weight in weights]


def _tax_tables(site: SiteSpec) -> tuple[Integers, NDArray[np.float64]]:
    """Account index (-1: none) and rate in percent, each (templates, MAX_TAXES)."""
    heads = np.full((len(site.taxes), MAX_TAXES), -1)
    rates = np.zeros((len(site.taxes), MAX_TAXES))
    for template, accounts in enumerate(site.taxes.values()):
        for place, account in enumerate(accounts):
            heads[template, place] = site.accounts.index(account)
            rates[template, place] = account.tax_rate
    return heads, rates
