"""Merging beside: what was read to its end is merged while the rest is read, and a failure of it costs nothing."""

from __future__ import annotations

import time

import pytest
from extract_world import CUSTOMER, ORDER, PUNCH, Shop

from federation import merging_beside
from federation.extract.outcome import Unwatched
from federation.extract.satellite import RunOptions
from federation.merging import freshness, publish
from federation.mothership.errors import MothershipBusy
from federation.mothership.interface import Mothership
from federation.settings.model import Settings
from federation.sync import sync_satellite

PATIENCE_SECONDS = 60


class WaitingForMerges(Unwatched):
    """Lets a DocType's walk begin only when another one has begun to be merged, or nothing has ended yet."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.merged_meanwhile: list[str] = []
        self.begun = 0

    def started(self, doctype: str) -> None:
        self.begun += 1
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self.begun > 1 and not self.merged_meanwhile and time.monotonic() < deadline:
            publish(self.settings, force=True)
            self.merged_meanwhile = [each.doctype for each in freshness(self.settings) if each.rows]


def test_what_has_ended_is_merged_while_the_rest_is_read(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merging_beside, "WORTH_A_MERGE", 1)
    shop = shop.with_settings(satellite={"connections": 1}, publish_seconds=0)
    shop.customer("Ada")
    shop.order()
    watch = WaitingForMerges(shop.settings)
    outcome = sync_satellite(shop.settings, shop.satellite, RunOptions(), watch)
    assert outcome.ok, outcome
    assert watch.merged_meanwhile == [CUSTOMER]
    assert sorted(result.doctype for result in outcome.merged.merged) == [CUSTOMER, ORDER]
    assert {each.doctype: each.rows for each in freshness(shop.settings)} == {CUSTOMER: 1, ORDER: 1, PUNCH: 0}


def test_a_merge_beside_that_fails_is_made_up_for_at_the_end(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def busy(settings: Settings, who: str) -> Mothership:
        tried.append(who)
        raise MothershipBusy("sync", "mothership", 600, "another process")

    monkeypatch.setattr(merging_beside, "WORTH_A_MERGE", 1)
    monkeypatch.setattr(merging_beside, "open_mothership", busy)
    shop.customer("Ada")
    shop.order()
    outcome = sync_satellite(shop.settings, shop.satellite, RunOptions(), Unwatched())
    assert tried
    assert outcome.ok, outcome
    assert {result.doctype: result.inserted for result in outcome.merged.merged} == {CUSTOMER: 1, ORDER: 1}
