"""Where generated documents go: the site, its company's facts, its clock and its names, handed from step to step."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import repeat
from typing import TYPE_CHECKING, Any

import numpy as np

from federation.demo.world.columns import pick, texts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from federation.demo.site.store import SiteStore
    from federation.demo.world.columns import Dates, LocalTime, Names, Texts
    from federation.demo.world.sites import Account, SiteSpec

_TIME_TO_FINISH = np.timedelta64(2, "m")


@dataclass(frozen=True)
class Scene:
    """One site while its history is written; nothing is known of what happens after `until` (UTC)."""

    store: SiteStore
    site: SiteSpec
    clock: LocalTime
    names: Names
    until: np.datetime64

    @property
    def last_start(self) -> np.datetime64:
        """Nothing starts after this instant, so that all that did start is done by `until`."""
        return self.until - _TIME_TO_FINISH

    @cached_property
    def account_names(self) -> Texts:
        """Document names of the chart's accounts, by their place in it."""
        return texts(account.name for account in self.site.accounts)

    @cached_property
    def account_titles(self) -> Texts:
        """What the chart's accounts are called, by their place in it."""
        return texts(account.title for account in self.site.accounts)

    @cached_property
    def today(self) -> Dates:
        """The site's day at `until`, an array of one."""
        return self.clock.dates(np.array([self.until]))

    def place_of(self, account: Account) -> int:
        """An account's place in the chart."""
        return self.site.accounts.index(account)

    def cost_centers(self, count: int, rng: np.random.Generator) -> Texts:
        """A cost center for each of `count` documents."""
        return pick([self.site.cost_center_name(label) for label in self.site.cost_centers], count, rng)

    def custom_values(self, doctype: str, count: int, rng: np.random.Generator) -> dict[str, Texts]:
        """Values for the fields that the site added to a DocType."""
        return {
            custom.field["fieldname"]: pick(custom.values, count, rng)
            for custom in self.site.custom_fields
            if custom.doctype == doctype and custom.values
        }

    def insert(self, doctype: str, count: int, columns: Mapping[str, Any]) -> None:
        """Insert `count` rows: arrays and lists give a value a row, anything else is the same in all."""
        values = [
            column.tolist() if isinstance(column, np.ndarray) else column
            for column in (c if isinstance(c, (np.ndarray, list)) else repeat(c, count) for c in columns.values())
        ]
        self.store.insert_rows(doctype, tuple(columns), zip(*values, strict=True))
