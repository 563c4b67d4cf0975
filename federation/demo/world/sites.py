"""The demo's organisations, read from `sites.yaml`: what they are called, sell, buy and teach, and how they number."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from itertools import product
from typing import TYPE_CHECKING, Any

import yaml

from federation.demo.world.doctypes import docfield
from federation.demo.world.tree import Node, read_outline

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
    """Something that a company sells or keeps in stock; `price` in the company's currency."""

    code: str
    label: str
    group: str
    price: float


@dataclass(frozen=True)
class Program:
    """Something to study; `fee` a term in the university's currency."""

    name: str
    abbreviation: str
    fee: float


@dataclass(frozen=True)
class CustomField:
    """A field that a site added to a DocType, and the values that its documents hold; a table's rows come elsewhere."""

    doctype: str
    field: Mapping[str, Any]
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Series:
    """Naming series; `customers` is None where customers are named by their own name."""

    invoices: str = "ACC-SINV-.YYYY.-"
    returns: str = "ACC-SINV-RET-.YYYY.-"
    payments: str = "ACC-PAY-.YYYY.-"
    journals: str = "ACC-JV-.YYYY.-"
    customers: str | None = None


@dataclass(frozen=True)
class SiteSpec:
    """One demo site and its organisation.

    `version` is Frappe's major one; `apps` are installed; `jurisdiction` names the law that its personal data falls
    under; some customers are billed in `foreign_currency`, of which one unit costs `foreign_rate` in company currency;
    `fiscal_year_starts` is a month; `price_scale` fits round amounts to the currency; `taxes` maps a template to the
    accounts that it posts to.
    What an organisation doesn't do is empty: it sells where it has `customer_stems`, buys and keeps stock where it has
    `suppliers`, teaches where it has `programs`. `fee_shares` are percent of a fee by category, adding up to 100.
    """

    name: str
    company: str
    abbr: str
    version: int
    apps: tuple[str, ...]
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
    given_names: tuple[str, ...]
    family_names: tuple[str, ...]
    cities: tuple[str, ...]
    cost_centers: tuple[str, ...]
    custom_fields: tuple[CustomField, ...]
    taxes: Mapping[str, tuple[Account, ...]] = field(default_factory=dict)
    customer_groups: tuple[str, ...] = ()
    territories: tuple[str, ...] = ()
    customer_stems: tuple[str, ...] = ()
    customer_suffixes: tuple[str, ...] = ()
    products: tuple[Product, ...] = ()
    suppliers: tuple[str, ...] = ()
    warehouses: tuple[Node, ...] = ()
    safety_labels: tuple[str, ...] = ()
    programs: tuple[Program, ...] = ()
    courses: tuple[str, ...] = ()
    fee_shares: Mapping[str, int] = field(default_factory=dict)

    @property
    def bank(self) -> Account:
        """The account that payments go through."""
        return self.accounts_of("Bank")[0]

    @property
    def receivable(self) -> Account:
        """The account that customers' debts stand on."""
        return self.accounts_of("Receivable")[0]

    @property
    def payable(self) -> Account:
        """The account that debts to suppliers stand on."""
        return self.accounts_of("Payable")[0]

    @property
    def stores(self) -> tuple[str, ...]:
        """Document names of the warehouses that hold goods."""
        return tuple(self.warehouse_name(node.label) for node in self.warehouses if not node.is_group)

    def warehouse_name(self, label: str) -> str:
        """The document name of one of the company's warehouses."""
        return f"{label} - {self.abbr}"

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
    """The demo's sites by name.

    `north` (India) and `south` (Germany) sell, `campus` (Chile) is a university, `depot` (Australia) buys, keeps stock
    and counts its people in and out.
    """
    source = yaml.safe_load(files(__package__).joinpath("sites.yaml").read_text(encoding="utf-8"))
    return {name: _site(name, facts) for name, facts in source.items()}


def _site(name: str, facts: dict[str, Any]) -> SiteSpec:
    accounts = _accounts(facts.pop("chart"), facts["abbr"])
    by_title = {account.title: account for account in accounts}
    facts |= {key: tuple(value) for key, value in facts.items() if isinstance(value, list) and key != "products"}
    return SiteSpec(
        name=name,
        accounts=accounts,
        series=Series(**facts.pop("series", {})),
        withholding=by_title[facts.pop("withholding")],
        taxes={title: tuple(by_title[head] for head in heads) for title, heads in facts.pop("taxes", {}).items()},
        products=tuple(
            Product(f"{facts['abbr']}-{number:03}", *product)
            for number, product in enumerate(facts.pop("products", ()), start=1)
        ),
        warehouses=read_outline(facts.pop("warehouses", "").splitlines()),
        programs=tuple(map(_program, facts.pop("programs", ()))),
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


def _program(line: str) -> Program:
    name, abbreviation, fee = (part.strip() for part in line.split("|"))
    return Program(name, abbreviation, float(fee))


def _custom_fields(doctypes: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Iterator[CustomField]:
    for doctype, fields in doctypes.items():
        for fieldname, facts in fields.items():
            told = docfield(fieldname, facts["field"]) | {"insert_after": facts["after"]}
            yield CustomField(doctype, told, tuple(facts["values"]))
