"""The two demo companies, read from `sites.yaml`: what they are called, sell, charge and how they number documents."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import product
from typing import TYPE_CHECKING, Any

import yaml

from federation.demo.world.doctypes import docfield
from federation.demo.world.tree import read_outline

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True)
class Account:
    """One account of a company's chart; `title` is `[number - ]account name`, `name` ends with the company's mark."""

    name: str
    title: str
    account_type: str
    root_type: str
    tax_rate: float
    parent: str | None
    is_group: bool
    lft: int
    rgt: int


@dataclass(frozen=True)
class Product:
    """Something that a company sells; `price` in the company's currency."""

    code: str
    label: str
    group: str
    price: float


@dataclass(frozen=True)
class CustomField:
    """A field that a site added to a DocType, and the values that its documents hold."""

    doctype: str
    field: Mapping[str, Any]
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Series:
    """Naming series; `customers` is None where customers are named by their own name."""

    invoices: str
    returns: str
    payments: str
    journals: str
    customers: str | None


@dataclass(frozen=True)
class SiteSpec:
    """One demo site and its company.

    `jurisdiction` names the law that its personal data falls under; some customers are billed in `foreign_currency`, of
    which one unit costs `foreign_rate` in company currency; `fiscal_year_starts` is a month; `price_scale` fits round
    amounts to the currency; `taxes` maps a template to the accounts that it posts to.
    """

    name: str
    company: str
    abbr: str
    currency: str
    country: str
    language: str
    time_zone: str
    jurisdiction: str
    fiscal_year_starts: int
    foreign_currency: str
    foreign_rate: float
    price_scale: int
    users: tuple[str, ...]
    settings: Mapping[str, str]
    series: Series
    accounts: tuple[Account, ...]
    withholding: Account
    cost_centers: tuple[str, ...]
    customer_groups: tuple[str, ...]
    territories: tuple[str, ...]
    taxes: Mapping[str, tuple[Account, ...]]
    customer_stems: tuple[str, ...]
    customer_suffixes: tuple[str, ...]
    products: tuple[Product, ...]
    custom_fields: tuple[CustomField, ...]

    @property
    def bank(self) -> Account:
        """The account that payments go through."""
        return self.accounts_of("Bank")[0]

    @property
    def receivable(self) -> Account:
        """The account that customers' debts stand on."""
        return self.accounts_of("Receivable")[0]

    def cost_center_name(self, label: str) -> str:
        """The document name of one of the company's cost centers."""
        return f"{label} - {self.abbr}"

    def accounts_of(self, account_type: str) -> tuple[Account, ...]:
        """All accounts of one type, in the order of the chart."""
        return tuple(account for account in self.accounts if account.account_type == account_type)

    def customer_names(self) -> Iterator[str]:
        """Names for any number of customers, different for the site's collation too."""
        for suffix, stem in product(self.customer_suffixes, self.customer_stems):
            yield f"{stem} {suffix}".strip()
        number = 2
        while True:
            yield from (f"{stem} {number}" for stem in self.customer_stems)
            number += 1


@cache
def demo_sites() -> dict[str, SiteSpec]:
    """The demo's sites by name: `north` (India, INR) and `south` (Germany, EUR)."""
    source = yaml.safe_load(files(__package__).joinpath("sites.yaml").read_text(encoding="utf-8"))
    return {name: _site(name, facts) for name, facts in source.items()}


def _site(name: str, facts: dict[str, Any]) -> SiteSpec:
    accounts = _accounts(facts.pop("chart"), facts["abbr"])
    by_title = {account.title: account for account in accounts}
    for key in ("users", "cost_centers", "customer_groups", "territories", "customer_stems", "customer_suffixes"):
        facts[key] = tuple(facts[key])
    return SiteSpec(
        name=name,
        accounts=accounts,
        series=Series(**facts.pop("series")),
        withholding=by_title[facts.pop("withholding")],
        taxes={title: tuple(by_title[head] for head in heads) for title, heads in facts.pop("taxes").items()},
        products=tuple(
            Product(f"{facts['abbr']}-{number:03}", *product)
            for number, product in enumerate(facts.pop("products"), start=1)
        ),
        custom_fields=tuple(_custom_fields(facts.pop("custom_fields"))),
        **facts,
    )


def _accounts(chart: str, abbr: str) -> tuple[Account, ...]:
    nodes = read_outline(chart.splitlines())
    root_types = {node.label: node.details[0] for node in nodes if node.parent is None}
    return tuple(
        Account(
            name=f"{node.label} - {abbr}",
            title=node.label,
            account_type=node.details[0] if node.parent and node.details else "",
            root_type=root_types[node.root],
            tax_rate=float(node.details[1]) if len(node.details) > 1 else 0.0,
            parent=f"{node.parent} - {abbr}" if node.parent else None,
            is_group=node.is_group,
            lft=node.lft,
            rgt=node.rgt,
        )
        for node in nodes
    )


def _custom_fields(doctypes: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Iterator[CustomField]:
    for doctype, fields in doctypes.items():
        for fieldname, facts in fields.items():
            field = docfield(fieldname, facts["field"]) | {"insert_after": facts["after"]}
            yield CustomField(doctype, field, tuple(facts["values"]))
