"""What an organisation sets up first: company, accounts, cost centers, currencies, items, warehouses, parties."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from federation.demo.world.columns import only, pick, texts
from federation.demo.world.tree import read_outline

if TYPE_CHECKING:
    from federation.demo.world.columns import Flags, Instants, Integers, Texts
    from federation.demo.world.scene import Scene
    from federation.demo.world.sites import SiteSpec

_CURRENCIES = {
    # name: fraction, symbol, symbol on the right, number format
    "INR": ("Paisa", "₹", 0, "#,##,###.##"),
    "EUR": ("Cent", "€", 1, "#.###,##"),
    "USD": ("Cent", "$", 0, "#,###.##"),
    "CHF": ("Rappen", "Fr", 0, "#'###.##"),
    "GBP": ("Penny", "£", 0, "#,###.##"),
    "CLP": ("Centavo", "$", 0, "#.###"),
    "AUD": ("Cent", "$", 0, "#,###.##"),
    "PLN": ("Grosz", "zł", 1, "# ###,##"),
}
SUPPLIER_SERIES = "SUP-.YYYY.-"
_PAYMENT_DAYS = np.array([14, 30, 30, 45])
_FOREIGN_SHARE = 0.06
_COMPANY_SHARE = 0.8
_FROZEN_SHARE = 0.01


@dataclass(frozen=True)
class Customers:
    """The customers that documents are made for, oldest first. `terms` are the days until payment is due."""

    created: Instants
    names: Texts
    titles: Texts
    groups: Texts
    territories: Texts
    terms: Integers
    is_foreign: Flags


def write_company(scene: Scene, stamp: str) -> None:
    """The company, its accounts, cost centers, currencies and items, made at `stamp` (local time as on the wire)."""
    site = scene.site
    for doctype, columns in (
        ("Company", _company(site)),
        ("Account", _accounts(site)),
        ("Cost Center", _cost_centers(site)),
        ("Currency", _currencies(site)),
        ("Item", _items(site)),
        ("Warehouse", _warehouses(site)),
        ("Safety Label", {"name": list(site.safety_labels), "label": list(site.safety_labels)}),
    ):
        if columns["name"]:
            scene.insert(doctype, len(columns["name"]), columns | standard(stamp))
    _write_item_labels(scene, stamp)


def write_customers(scene: Scene, *, count: int, begin: np.datetime64, rng: np.random.Generator) -> Customers:
    """`count` customers: four fifths imported at `begin` (UTC) with one `modified`, the others added one by one."""
    site = scene.site
    imported = count * 4 // 5
    created = np.full(count, begin.astype("datetime64[s]").astype("datetime64[us]"))
    later = np.sort(rng.random(count - imported)) * (scene.until - begin).astype(np.int64)
    created[imported:] = begin + later.astype("timedelta64[us]")
    titles = texts(islice(site.customer_names(), count))
    series = site.series.customers
    customers = Customers(
        created=created,
        names=scene.names.numbered(series, scene.clock.of(created)) if series else titles,
        titles=titles,
        groups=pick(site.customer_groups, count, rng),
        territories=pick(site.territories, count, rng),
        terms=_PAYMENT_DAYS[rng.integers(0, len(_PAYMENT_DAYS), count)],
        is_foreign=rng.random(count) < _FOREIGN_SHARE,
    )
    number = np.arange(count)
    columns = standard(scene.clock.wire(created)) | {
        "name": customers.names,
        "naming_series": series or "CUST-.YYYY.-",
        "customer_name": titles,
        "customer_type": np.where(rng.random(count) < _COMPANY_SHARE, "Company", "Individual"),
        "customer_group": customers.groups,
        "territory": customers.territories,
        "default_currency": only(customers.is_foreign, site.foreign_currency),
        "language": site.language,
        # Nulls and empty texts both occur, as on real sites.
        "tax_id": [f"{site.jurisdiction}{place:09}" if place % 7 else "" for place in range(count)],
        "email_id": [f"buyer{place}@customers.example" if place % 3 else None for place in range(count)],
        "customer_details": only(number % 11 == 0, 'Pays late.\r\nCall "before" noon.'),
        "is_frozen": (rng.random(count) < _FROZEN_SHARE).astype(np.int64),
    }
    scene.insert("Customer", count, columns | scene.custom_values("Customer", count, rng))
    return customers


@dataclass(frozen=True)
class Suppliers:
    """The suppliers that documents are made for, oldest first."""

    created: Instants
    names: Texts
    titles: Texts


def write_suppliers(scene: Scene, *, count: int, begin: np.datetime64) -> Suppliers:
    """`count` suppliers, all imported at `begin` (UTC) with one `modified`."""
    site = scene.site
    created = np.full(count, begin.astype("datetime64[s]").astype("datetime64[us]"))
    stems = len(site.suppliers)
    titles = texts(
        f"{site.suppliers[place % stems]} {place // stems + 1}" if place >= stems else site.suppliers[place]
        for place in range(count)
    )
    suppliers = Suppliers(created, scene.names.numbered(SUPPLIER_SERIES, scene.clock.of(created)), titles)
    columns = standard(scene.clock.wire(created)) | {
        "name": suppliers.names,
        "naming_series": SUPPLIER_SERIES,
        "supplier_name": titles,
        "country": site.country,
        "supplier_group": "Local",
        "supplier_type": "Company",
        "tax_id": [f"{site.jurisdiction}{place:09}" if place % 5 else "" for place in range(count)],
        "language": site.language,
    }
    scene.insert("Supplier", count, columns)
    return suppliers


def _company(site: SiteSpec) -> dict[str, Any]:
    return {
        "name": [site.company],
        "company_name": site.company,
        "abbr": site.abbr,
        "default_currency": site.currency,
        "country": site.country,
        "lft": 1,
        "rgt": 2,
        "default_bank_account": site.bank.name,
        "default_cash_account": site.accounts_of("Cash")[0].name,
        "default_receivable_account": site.receivable.name,
        "default_payable_account": site.accounts_of("Payable")[0].name,
        "default_income_account": site.accounts_of("Income Account")[0].name,
        "round_off_account": site.accounts_of("Round Off")[0].name,
        "cost_center": site.cost_center_name(site.cost_centers[0]),
        "enable_perpetual_inventory": 1,
    }


def _accounts(site: SiteSpec) -> dict[str, Any]:
    accounts = site.accounts
    numbered = [account.title.split(" - ", 1) for account in accounts]
    in_result = [account.root_type in {"Income", "Expense"} for account in accounts]
    return {
        "name": [account.name for account in accounts],
        "account_name": [parts[-1] for parts in numbered],
        "account_number": [parts[0] if len(parts) > 1 else None for parts in numbered],
        "is_group": [int(account.is_group) for account in accounts],
        "company": site.company,
        "root_type": [account.root_type for account in accounts],
        "report_type": ["Profit and Loss" if result else "Balance Sheet" for result in in_result],
        "account_currency": site.currency,
        "parent_account": [account.parent for account in accounts],
        "account_type": [account.account_type for account in accounts],
        "tax_rate": [account.tax_rate for account in accounts],
        "freeze_account": "No",
        "lft": [account.lft for account in accounts],
        "rgt": [account.rgt for account in accounts],
    }


def _cost_centers(site: SiteSpec) -> dict[str, Any]:
    nodes = read_outline([site.company, *(f"  {center}" for center in site.cost_centers)])
    return {
        "name": [site.cost_center_name(node.label) for node in nodes],
        "cost_center_name": [node.label for node in nodes],
        "parent_cost_center": [site.cost_center_name(node.parent) if node.parent else "" for node in nodes],
        "company": site.company,
        "is_group": [int(node.is_group) for node in nodes],
        "lft": [node.lft for node in nodes],
        "rgt": [node.rgt for node in nodes],
    }


def _currencies(site: SiteSpec) -> dict[str, Any]:
    fractions, symbols, on_right, formats = (list(column) for column in zip(*_CURRENCIES.values(), strict=True))
    return {
        "name": list(_CURRENCIES),
        "currency_name": list(_CURRENCIES),
        "enabled": [int(name in {site.currency, site.foreign_currency}) for name in _CURRENCIES],
        "fraction": fractions,
        "fraction_units": 100,
        "smallest_currency_fraction_value": 0.01,
        "symbol": symbols,
        "symbol_on_right": on_right,
        "number_format": formats,
    }


def _items(site: SiteSpec) -> dict[str, Any]:
    products = site.products
    return {
        "name": [product.code for product in products],
        "item_code": [product.code for product in products],
        "item_name": [product.label for product in products],
        "item_group": [product.group for product in products],
        "stock_uom": "Nos",
        "is_stock_item": 1,
        "is_sales_item": 1,
        "is_purchase_item": 1,
        "standard_rate": [product.price for product in products],
        "description": [f"<div><p>{product.label}</p></div>" for product in products],
        "end_of_life": "2099-12-31",
        "default_material_request_type": "Purchase",
        "valuation_rate": [product.price if site.warehouses else 0.0 for product in products],
    } | {
        custom.field["fieldname"]: [custom.values[place % len(custom.values)] for place in range(len(products))]
        for custom in site.custom_fields
        if custom.doctype == "Item" and custom.values
    }


def _warehouses(site: SiteSpec) -> dict[str, Any]:
    nodes = site.warehouses
    return {
        "name": [site.warehouse_name(node.label) for node in nodes],
        "warehouse_name": [node.label for node in nodes],
        "parent_warehouse": [site.warehouse_name(node.parent) if node.parent else "" for node in nodes],
        "company": site.company,
        "is_group": [int(node.is_group) for node in nodes],
        "account": [None if node.is_group else site.accounts_of("Stock")[0].name for node in nodes],
        "lft": [node.lft for node in nodes],
        "rgt": [node.rgt for node in nodes],
    }


def _write_item_labels(scene: Scene, stamp: str) -> None:
    """Rows of the Table MultiSelect that the site added to Item: some items carry one label, some two."""
    labels, codes = scene.site.safety_labels, [product.code for product in scene.site.products]
    rows = [
        (code, number + 1, labels[(place + number) % len(labels)])
        for place, code in enumerate(codes)
        for number in range(place % 3 if labels else 0)
    ]
    if rows:
        parents, idx, chosen = (list(column) for column in zip(*rows, strict=True))
        place_of_row = {"parent": parents, "parenttype": "Item", "parentfield": "safety_labels", "idx": idx}
        names = {"name": scene.names.random(len(rows)), "label": chosen}
        scene.insert("Item Safety Label", len(rows), standard(stamp) | place_of_row | names)


def standard(stamps: str | list[str]) -> dict[str, Any]:
    """The standard columns of documents that nobody has changed since they were made."""
    heads = {"owner": "Administrator", "modified_by": "Administrator", "docstatus": 0, "idx": 0}
    return heads | {"creation": stamps, "modified": stamps}
