"""Working days on a simulated site: a seeded stream of the changes that satellites see, the invisible ones too."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING

from federation.demo.world.acts_buying import buying
from federation.demo.world.acts_people import around_people, at_the_gate
from federation.demo.world.acts_selling import selling
from federation.demo.world.acts_teaching import teaching
from federation.demo.world.acts_unseen import unseen
from federation.demo.world.day import Change, Day

if TYPE_CHECKING:
    from federation.demo.site.documents import SiteDocuments
    from federation.demo.world.day import Act
    from federation.demo.world.sites import SiteSpec

__all__ = ["Change", "live"]


def live(documents: SiteDocuments, site: SiteSpec, *, seed: int, steps: int) -> Iterator[Change]:
    """Do `steps` things an organisation does, one at a time, and tell each change. The ledgers agree after every step.

    Steps follow from the seed and the site's content; one that finds nothing to act on gives way to another.
    """
    day = Day(documents, site, random.Random(seed))  # noqa: S311 - a story, not a secret
    acts = _acts_of(site)
    for _ in range(steps):
        yield from _step(day, acts)


def _acts_of(site: SiteSpec) -> dict[Act, int]:
    """What may happen at a site, and how often each compared with the others."""
    acts = [around_people(), unseen()]
    acts += [selling()] if site.customer_stems else []
    acts += [buying()] if site.suppliers else []
    acts += [teaching()] if site.programs else []
    acts += [at_the_gate()] if "staff" in site.apps else []
    return dict(chain.from_iterable(acts))


def _step(day: Day, acts: dict[Act, int]) -> list[Change]:
    while True:
        (act,) = day.rng.choices(list(acts), weights=list(acts.values()))
        with day.documents.store.writing():
            changes = act(day)
        if changes:
            return changes
