"""Two years of an organisation's life on a simulated site, made from a seed, one stretch after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from federation.demo.site.permissions import SiteUser, add_user
from federation.demo.world.campus import (
    draw_enrolments,
    fee_debts,
    fee_vouchers,
    write_campus,
    write_enrolments,
    write_students,
)
from federation.demo.world.columns import LocalTime, Names
from federation.demo.world.installation import set_up
from federation.demo.world.invoices import invoice_debts, invoice_vouchers, make_invoices, write_invoices
from federation.demo.world.journals import write_journals
from federation.demo.world.ledger import post
from federation.demo.world.masters import write_customers, write_suppliers
from federation.demo.world.parties import write_parties
from federation.demo.world.payments import write_payments
from federation.demo.world.people import write_people
from federation.demo.world.purchases import draw_purchases, purchase_debts, purchase_vouchers, write_purchases
from federation.demo.world.sales import draw_sales
from federation.demo.world.scene import Scene
from federation.demo.world.stock import StoreRoom, draw_moves, move_vouchers, write_moves, write_stock_ledger

if TYPE_CHECKING:
    from federation.demo.site.store import SiteStore
    from federation.demo.world.sites import SiteSpec

HISTORY = timedelta(days=730)
HISTORY_ENDS = datetime(2026, 11, 20, 17, 30)  # noqa: DTZ001 - local to each site
_DEALS_PER_STRETCH = 5_000
_GL_ROWS_PER_PARTY = 50
_FEWEST_PARTIES, _MOST_PARTIES = 150, 20_000
_READING_ROLES = (
    "System Manager", "Accounts User", "Accounts Manager", "Sales User", "Purchase User", "Stock User", "HR User",
    "Academics User",
)  # fmt: skip


@dataclass(frozen=True)
class _Stretch:
    """A part of the history, in which `count` sales, purchases or enrolments happen between `begin` and `end` (UTC)."""

    count: int
    begin: np.datetime64
    end: np.datetime64
    rng: np.random.Generator


_Business: TypeAlias = Callable[[_Stretch], None]
"""Writes one stretch: its deals, what became of them whenever that was, and what they post."""


def populate(store: SiteStore, site: SiteSpec, *, seed: int, gl_rows: int, until: datetime = HISTORY_ENDS) -> None:
    """Fill an empty site with an organisation and about `gl_rows` GL Entries of history, up to `until` (local time).

    The same arguments make the same rows. Memory stays that of one stretch (5,000 deals), whatever `gl_rows`.
    """
    clock = LocalTime(site.time_zone)
    begin, end = clock.utc(until - HISTORY), clock.utc(until)
    deals = round(gl_rows / _gl_rows_per_deal(site))
    stretches = max(1, -(-deals // _DEALS_PER_STRETCH))
    first, *seeds = np.random.SeedSequence([seed, *site.name.encode()]).spawn(1 + stretches)
    rng = np.random.default_rng(first)
    scene = Scene(store, site, clock, Names(rng), end)
    with store.writing():
        set_up(scene, stamp=clock.wire(np.array([begin]))[0])
        do_business = _opened(scene, gl_rows=gl_rows, begin=begin, rng=rng)
    edges = begin + np.linspace(0, (scene.last_start - begin).astype(np.int64), stretches + 1).astype("timedelta64[us]")
    for place, stretch_seed in enumerate(seeds):
        share = max(1, deals * (place + 1) // stretches - deals * place // stretches)
        stretch = _Stretch(share, edges[place], edges[place + 1], np.random.default_rng(stretch_seed))
        with store.writing():
            do_business(stretch)
            journals = write_journals(scene, sales=share, begin=stretch.begin, end=stretch.end, rng=stretch.rng)
            post(scene, journals, stretch.rng)
    scene.names.remember(store)


def add_extraction_user(store: SiteStore, site: SiteSpec, *, api_key: str, api_secret: str) -> str:
    """Add the user that reads the site for the federation; return its name."""
    user = SiteUser(f"federation@{site.name}.example", roles=_READING_ROLES)
    add_user(store, user, api_key=api_key, api_secret=api_secret)
    return user.name


def _gl_rows_per_deal(site: SiteSpec) -> float:
    """How many postings come of one sale, purchase or enrolment, its payments and its share of the journals."""
    if site.programs:
        return 3.9
    return 5.7 if site.suppliers else 5.1


def _opened(scene: Scene, *, gl_rows: int, begin: np.datetime64, rng: np.random.Generator) -> _Business:
    """Write what the organisation has before it does anything; return what it then does."""
    parties = min(max(gl_rows // _GL_ROWS_PER_PARTY, _FEWEST_PARTIES), _MOST_PARTIES)
    if scene.site.programs:
        return _teaching(scene, students=parties, begin=begin, rng=rng)
    if scene.site.suppliers:
        write_people(scene, checkins=gl_rows // 2, begin=begin, rng=rng)
        return _buying(scene, suppliers=parties // 5, begin=begin, rng=rng)
    return _selling(scene, customers=parties, begin=begin, rng=rng)


def _selling(scene: Scene, *, customers: int, begin: np.datetime64, rng: np.random.Generator) -> _Business:
    buyers = write_customers(scene, count=customers, begin=begin, rng=rng)
    write_parties(scene, "Customer", buyers.names, buyers.titles, at=begin, rng=rng)

    def sell(stretch: _Stretch) -> None:
        sales = draw_sales(stretch.rng, scene, buyers, count=stretch.count, begin=stretch.begin, end=stretch.end)
        invoices = make_invoices(scene, buyers, sales, stretch.rng)
        write_invoices(scene, buyers, sales, invoices, stretch.rng)
        post(scene, invoice_vouchers(scene, buyers, sales, invoices), stretch.rng)
        received = write_payments(scene, invoice_debts(scene, buyers, sales, invoices), stretch.rng)
        post(scene, received, stretch.rng)

    return sell


def _buying(scene: Scene, *, suppliers: int, begin: np.datetime64, rng: np.random.Generator) -> _Business:
    sellers = write_suppliers(scene, count=suppliers, begin=begin)
    write_parties(scene, "Supplier", sellers.names, sellers.titles, at=begin, rng=rng)
    room = StoreRoom(len(scene.site.products), len(scene.site.stores))

    def buy(stretch: _Stretch) -> None:
        purchases = draw_purchases(
            stretch.rng, scene, sellers, count=stretch.count, begin=stretch.begin, end=stretch.end
        )
        moves = draw_moves(stretch.rng, scene, purchases, stretch.end)
        write_purchases(scene, sellers, purchases, stretch.rng)
        write_moves(scene, moves)
        write_stock_ledger(scene, room, purchases, moves)
        post(scene, purchase_vouchers(scene, sellers, purchases), stretch.rng)
        post(scene, move_vouchers(scene, moves), stretch.rng)
        post(scene, write_payments(scene, purchase_debts(scene, sellers, purchases), stretch.rng), stretch.rng)

    return buy


def _teaching(scene: Scene, *, students: int, begin: np.datetime64, rng: np.random.Generator) -> _Business:
    write_campus(scene, scene.clock.wire(np.array([begin]))[0], rng)
    taught = write_students(scene, count=students, begin=begin, rng=rng)
    write_parties(scene, "Student", taught.names, taught.titles, at=begin, rng=rng)

    def teach(stretch: _Stretch) -> None:
        enrolments = draw_enrolments(
            stretch.rng, scene, taught, count=stretch.count, begin=stretch.begin, end=stretch.end
        )
        write_enrolments(scene, taught, enrolments, stretch.rng)
        post(scene, fee_vouchers(scene, taught, enrolments), stretch.rng)
        post(scene, write_payments(scene, fee_debts(scene, taught, enrolments), stretch.rng), stretch.rng)

    return teach
