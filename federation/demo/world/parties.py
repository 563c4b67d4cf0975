"""Where customers, suppliers and students are found: their Addresses and Contacts, tied to them by Dynamic Links."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from federation.demo.world.columns import pick, texts
from federation.demo.world.heads import Heads

if TYPE_CHECKING:
    from federation.demo.world.columns import Instants, Texts
    from federation.demo.world.scene import Scene

_MOST = 400
_EDITED_WITHIN_DAYS = 90
_APART, _AFTER_ADDRESS = np.timedelta64(1_000_003, "us"), np.timedelta64(40, "s")
_SHARED_EVERY = 9
"""Every ninth address belongs to its party's neighbour too."""


def write_parties(
    scene: Scene, party_type: str, names: Texts, titles: Texts, *, at: np.datetime64, rng: np.random.Generator
) -> None:
    """Insert an Address and a Contact for each of the first parties, made from the instant `at` (UTC) on."""
    count = min(len(names), _MOST)
    site = scene.site
    created: Instants = np.minimum(at + np.arange(count) * _APART, scene.last_start)
    parties, party_titles = names[:count], titles[:count]
    of = np.concatenate([np.arange(count), np.arange(0, count - 1, _SHARED_EVERY)])
    whose = np.concatenate([np.arange(count), np.arange(0, count - 1, _SHARED_EVERY) + 1])
    idx = np.concatenate([np.ones(count, np.int64), np.full(len(of) - count, 2)])

    titled = texts(f"{title}-{place:04}-Billing" for place, title in enumerate(party_titles))
    heads = _heads(scene, "Address", titled, created, rng)
    columns = heads.columns(scene) | {
        "address_title": party_titles,
        "address_type": "Billing",
        "address_line1": texts(f"{number} {site.cities[-1]} Street" for number in rng.integers(1, 400, count).tolist()),
        "city": pick(site.cities, count, rng),
        "country": site.country,
        "pincode": texts(f"{number:05}" for number in rng.integers(1_000, 99_999, count).tolist()),
        "is_primary_address": 1,
    }
    scene.insert("Address", count, columns)
    links = {"link_doctype": party_type, "link_name": parties[whose], "link_title": party_titles[whose]}
    scene.insert("Dynamic Link", len(of), heads.child_columns(of, idx, "links", scene) | links)

    given, family = pick(site.given_names, count, rng), pick(site.family_names, count, rng)
    full = texts(f"{first} {last}" for first, last in zip(given, family, strict=True))
    people = texts(f"{person}-{party}" for person, party in zip(full, parties, strict=True))
    later: Instants = created + _AFTER_ADDRESS
    heads = _heads(scene, "Contact", people, later, rng)
    mails = texts(f"contact{place}@{site.name}-parties.example" for place in range(count))
    columns = heads.columns(scene) | {
        "first_name": given,
        "last_name": family,
        "full_name": full,
        "email_id": mails,
        "status": "Passive",
        "company_name": party_titles,
        "is_primary_contact": 1,
    }
    scene.insert("Contact", count, columns)
    everyone, ones = np.arange(count), np.ones(count, np.int64)
    addresses = heads.child_columns(everyone, ones, "email_ids", scene) | {"email_id": mails, "is_primary": 1}
    scene.insert("Contact Email", count, addresses)
    links = {"link_doctype": party_type, "link_name": parties, "link_title": party_titles}
    scene.insert("Dynamic Link", count, heads.child_columns(everyone, ones, "links", scene) | links)


def _heads(scene: Scene, doctype: str, names: Texts, created: Instants, rng: np.random.Generator) -> Heads:
    days = rng.integers(0, _EDITED_WITHIN_DAYS, len(names)).astype("timedelta64[D]")
    modified = np.minimum(created + days, scene.last_start + np.timedelta64(1, "m"))
    owner = pick(scene.site.users, len(names), rng)
    return Heads(doctype, names, owner, created, modified, modified, np.zeros(len(names), np.int64))
