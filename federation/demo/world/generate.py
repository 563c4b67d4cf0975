"""Two years of a company's life on a simulated site, made from a seed, one stretch of trade after the other."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from federation.demo.site.permissions import SiteUser, add_user
from federation.demo.world.columns import LocalTime, Names
from federation.demo.world.doctypes import doctypes
from federation.demo.world.invoices import invoice_vouchers, make_invoices, write_invoices
from federation.demo.world.journals import write_journals
from federation.demo.world.ledger import post
from federation.demo.world.masters import write_company, write_customers
from federation.demo.world.payments import write_payments
from federation.demo.world.sales import draw_sales
from federation.demo.world.scene import Scene

if TYPE_CHECKING:
    from federation.demo.site.store import SiteStore
    from federation.demo.world.masters import Customers
    from federation.demo.world.sites import SiteSpec

HISTORY = timedelta(days=730)
HISTORY_ENDS = datetime(2026, 11, 20, 17, 30)  # noqa: DTZ001 - local to each site
_GL_ROWS_PER_SALE = 5.1
_SALES_PER_STRETCH = 5_000
_GL_ROWS_PER_CUSTOMER = 50
_FEWEST_CUSTOMERS, _MOST_CUSTOMERS = 150, 20_000
_READING_ROLES = ("System Manager", "Accounts User", "Accounts Manager", "Sales User", "Stock User")


def populate(store: SiteStore, site: SiteSpec, *, seed: int, gl_rows: int, until: datetime = HISTORY_ENDS) -> None:
    """Fill an empty site with a company and about `gl_rows` GL Entries' worth of history, up to `until` (local time).

    The same arguments make the same rows. Memory stays that of one stretch (5,000 sales), whatever `gl_rows`.
    """
    clock = LocalTime(site.time_zone)
    begin, end = clock.utc(until - HISTORY), clock.utc(until)
    sales = round(gl_rows / _GL_ROWS_PER_SALE)
    stretches = max(1, -(-sales // _SALES_PER_STRETCH))
    first, *seeds = np.random.SeedSequence([seed, *site.name.encode()]).spawn(1 + stretches)
    rng = np.random.default_rng(first)
    scene = Scene(store, site, clock, Names(rng), end)
    count = min(max(gl_rows // _GL_ROWS_PER_CUSTOMER, _FEWEST_CUSTOMERS), _MOST_CUSTOMERS)
    with store.writing():
        _set_up(scene, stamp=clock.wire(np.array([begin]))[0])
        customers = write_customers(scene, count=count, begin=begin, rng=rng)
    edges = begin + np.linspace(0, (scene.last_start - begin).astype(np.int64), stretches + 1).astype("timedelta64[us]")
    for place, stretch_seed in enumerate(seeds):
        share = max(1, sales * (place + 1) // stretches - sales * place // stretches)
        with store.writing():
            rng = np.random.default_rng(stretch_seed)
            _trade(scene, customers, rng, count=share, begin=edges[place], end=edges[place + 1])
    scene.names.remember(store)


def add_extraction_user(store: SiteStore, site: SiteSpec, *, api_key: str, api_secret: str) -> str:
    """Add the user that reads the site for the federation; return its name."""
    user = SiteUser(f"federation@{site.name}.example", roles=_READING_ROLES)
    add_user(store, user, api_key=api_key, api_secret=api_secret)
    return user.name


def _set_up(scene: Scene, stamp: str) -> None:
    store, site = scene.store, scene.site
    for meta in doctypes().values():
        store.create_doctype(meta)
    for custom in site.custom_fields:
        store.add_custom_field(custom.doctype, custom.field, stamp=stamp)
    for doctype, series in (
        ("Sales Invoice", (site.series.invoices, site.series.returns)),
        ("Payment Entry", (site.series.payments,)),
        ("Journal Entry", (site.series.journals,)),
    ):
        store.set_property(doctype, "naming_series", "options", "\n".join(series), stamp=stamp)
    settings = {"time_zone": site.time_zone, "country": site.country, "language": site.language}
    stamps = {"creation": stamp, "modified": stamp, "modified_by": "Administrator", "owner": "Administrator"}
    store.set_single("System Settings", {**settings, **site.settings, **stamps, "setup_complete": 1})
    write_company(scene, stamp)


def _trade(
    scene: Scene,
    customers: Customers,
    rng: np.random.Generator,
    *,
    count: int,
    begin: np.datetime64,
    end: np.datetime64,
) -> None:
    """Write one stretch: its sales, what became of them whenever that was, and the journals of its time."""
    sales = draw_sales(rng, scene, customers, count=count, begin=begin, end=end)
    invoices = make_invoices(scene, customers, sales, rng)
    write_invoices(scene, customers, sales, invoices, rng)
    post(scene, invoice_vouchers(scene, customers, sales, invoices), rng)
    post(scene, write_payments(scene, customers, sales, invoices, rng), rng)
    post(scene, write_journals(scene, sales=count, begin=begin, end=end, rng=rng), rng)
