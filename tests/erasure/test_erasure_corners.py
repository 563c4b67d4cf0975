"""Where names of erased documents may hide: child rows, hashes, patches, positions, passes, other machines."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from erasure_world import KEY, SETTINGS, Erasures, Quiet, open_world

from federation.erasure import register
from federation.erasure.errors import ErasedMeanwhile, ErasureInterrupted
from federation.erasure.rewriting import LakeErasure
from federation.extract.errors import SatelliteBusy
from federation.extract.lock import only_run
from federation.integrity import judge_integrity
from federation.lake.errors import LakeUnavailable
from federation.lake.run import LakeRun, new_run_id
from federation.policy.apply import hash_cells
from federation.rebuilding import RebuiltSatellite, rebuild
from federation.verifying import verify_mothership
from tests.extract.extract_world import CUSTOMER, PUNCH

ANNA, BERT = "Anna Example 4711", "Bert Sample 4712"
ERASED = "LIKE 'erased-%'"


@pytest.fixture
def filled(world: Erasures) -> Erasures:
    world.shop.customer(ANNA)
    world.shop.customer(BERT)
    world.shop.order(customer=ANNA)
    world.note("note", of=BERT, guests=[{"guest": ANNA, "seat": 1}, {"guest": BERT, "seat": 2}])
    world.shop.age()
    world.sync()
    return world


def test_links_in_child_rows_lead_to_a_pseudonym_before_and_after(filled: Erasures) -> None:
    filled.erase(ANNA)
    assert filled.query("SELECT guest FROM note_guest ORDER BY seat")[1] == (BERT,)
    filled.note("later", of=ANNA, guests=[{"guest": ANNA, "seat": 1}])
    filled.sync()
    assert filled.query(f"SELECT count(*) FROM note_guest WHERE guest {ERASED}") == [(2,)]
    assert filled.found(ANNA) == []


def test_a_sync_after_it_finds_everything_as_it_is_known(filled: Erasures) -> None:
    filled.compact()
    filled.erase(ANNA)
    for _ in range(2):
        outcome = filled.sync(depth="full")
        assert sum(each.documents + each.tombstones + each.patched for each in outcome.doctypes) == 0
        filled.compact()
    assert verify_mothership(filled.shop.settings).ok


def test_a_hashed_link_leads_to_the_hash_of_the_pseudonym(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEDERATION_ERASURE_KEY", KEY)
    key = b"a key to hash with, long enough"
    policy = [{"doctype": "Order", "field": "customer", "action": "hash", "key": "file:hash"}]
    with open_world(tmp_path, policy=policy) as world:
        world.shop.customer(ANNA)
        world.shop.order(customer=ANNA)
        world.shop.age()
        world.sync()
        (hashed,) = hash_cells([ANNA], key)
        assert world.query('SELECT customer FROM "order"') == [(hashed,)]
        erased = world.erase(ANNA)
        (told,) = hash_cells(list(erased.receipt.pseudonyms[CUSTOMER]), key)
        assert world.query('SELECT customer FROM "order"') == [(told,)]
        assert sum(each.documents for each in world.sync(depth="full").doctypes) == 0
        assert world.found(str(hashed)) == []


def test_a_document_of_a_doctype_that_the_site_calls_otherwise_is_erased_by_our_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FEDERATION_ERASURE_KEY", KEY)
    with open_world(tmp_path) as world:
        mapping = [{"doctype": CUSTOMER, "becomes": "Client"}]
        doctypes = ["Client", "Order", "Note", "Version"]
        world.shop = world.shop.with_settings(**(SETTINGS | {"doctypes": doctypes}), satellite={"mapping": mapping})
        world.shop.customer(ANNA)
        world.shop.customer(BERT)
        world.shop.order(customer=ANNA)
        world.note("note", of=ANNA, guests=[{"guest": ANNA, "seat": 1}])
        world.version(ANNA, '{"changed": [["email", "", "old.canary@example.test"]]}')
        world.shop.age()
        world.sync()
        world.erase(ANNA, doctype="Client")
        world.version(ANNA, '{"changed": [["email", "", "new.canary@example.test"]]}')
        for depth in ("changes", "full"):
            world.sync(depth=depth)
            assert world.query("SELECT name FROM client") == [(BERT,)]
            assert world.query(f'SELECT count(*) FROM note WHERE "of" {ERASED}') == [(1,)]
            assert world.query(f"SELECT count(*) FROM note_guest WHERE guest {ERASED}") == [(1,)]
            assert world.found(ANNA) == world.found("canary@example.test") == []


def test_a_rule_on_a_link_doesn_t_reject_what_leads_to_an_erased_document(filled: Erasures) -> None:
    folder = filled.shop.folder / "expectations"
    folder.mkdir()
    rule = "expect: expect_column_values_to_match_regex, field: customer, regex: '^(?:Anna|Bert)'"
    (folder / "order.yaml").write_text(f"- {{{rule}, severity: reject, reason: Known customers alone.}}")
    filled.erase(ANNA)
    judged = Erasures(filled.shop.with_settings(**SETTINGS, validation=True))
    filled.shop.order(customer=ANNA)
    filled.shop.customer("Carl 4714")
    filled.shop.order(customer="Carl 4714")
    judged.sync()
    assert judged.query(f'SELECT count(*) FROM "order" WHERE customer {ERASED}') == [(2,)]
    assert judged.query("SELECT count(DISTINCT name) FROM federation_quarantine") == [(1,)]


def test_a_link_to_a_pseudonym_is_no_link_to_nowhere(filled: Erasures) -> None:
    filled.erase(ANNA)
    filled.shop.order(customer=BERT)
    for _ in range(2):
        filled.sync()
    (report,) = judge_integrity(filled.shop.settings, ["Order"])["Order"].values()
    (link,) = [each for each in report.results if each.expectation.fieldname == "customer"]
    assert (link.rows, link.failing) == (1, 0)


def test_columns_that_are_brought_later_bring_nothing_of_it(filled: Erasures) -> None:
    filled.erase(ANNA)
    for owner in (CUSTOMER, "Note Guest"):
        field = {"fieldname": "added", "fieldtype": "Data", "label": "Added", "default": "brought later"}
        filled.shop.site.store.add_custom_field(owner, field)
    outcome = filled.sync(depth="reconcile")
    assert sum(each.patched for each in outcome.doctypes) > 0
    assert filled.found(ANNA) == []


@pytest.mark.parametrize("chosen", [0, -1])
def test_counted_documents_at_the_edge_of_a_list_are_no_position(world: Erasures, chosen: int) -> None:
    punches = [str(world.shop.documents.insert(PUNCH, {"device": f"device {n}"})["name"]) for n in range(3)]
    world.sync()
    name = punches[chosen]
    world.erase(name, doctype=PUNCH)
    for depth in ("changes", "reconcile", "full"):
        world.sync(depth=depth)
        assert world.query("SELECT count(*) FROM punch") == [(2,)]
    for manifest in world.shop.manifests()[-4:]:
        state = manifest.doctypes[PUNCH]
        assert str(state.position.name) != name
        assert all(name not in (str(each.last), str(each.after)) for each in state.passes.values())


def test_a_nightly_slice_that_ends_at_it_goes_on_behind_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEDERATION_ERASURE_KEY", KEY)
    budget = {"compare_rows": 2, "reread_rows": 1}
    with open_world(tmp_path, reconcile=budget) as world:
        names = [f"customer {number:02d} of the shop" for number in range(6)]
        for name in names:
            world.shop.customer(name)
        world.shop.age()
        world.sync()
        world.sync(depth="reconcile")
        world.erase(names[1], names[-1])
        for _ in range(8):
            world.sync(depth="reconcile")
            assert world.found(names[1]) == world.found(names[-1]) == []
        assert world.query("SELECT count(*) FROM customer") == [(4,)]


def test_a_run_that_is_under_way_here_is_not_disturbed(filled: Erasures) -> None:
    with only_run(filled.shop.settings, filled.shop.satellite), pytest.raises(SatelliteBusy):
        filled.erase(ANNA)


def test_a_run_of_another_machine_that_takes_over_meanwhile_is_told_of(
    filled: Erasures, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish = LakeErasure.erase

    def meanwhile(work: LakeErasure, runs: list[str]) -> object:
        LakeRun.open(filled.shop.lake, "rest", new_run_id(datetime.now(UTC)))
        return finish(work, runs)

    monkeypatch.setattr(LakeErasure, "erase", meanwhile)
    with pytest.raises(ErasureInterrupted, match="run the same command again"):
        filled.erase(ANNA)
    monkeypatch.undo()
    monkeypatch.setenv("FEDERATION_ERASURE_KEY", KEY)
    filled.erase(ANNA)
    assert filled.found(ANNA) == []


def test_a_rebuild_that_has_merged_it_already_is_given_up(filled: Erasures) -> None:
    class Meanwhile(Quiet):
        def merged(self, satellite: RebuiltSatellite) -> None:
            filled.erase(ANNA)

    with pytest.raises(ErasedMeanwhile):
        rebuild(filled.shop.settings, Meanwhile())
    assert filled.found(ANNA) == []


def test_a_damaged_package_stops_it_with_a_plain_message(filled: Erasures) -> None:
    (path, *_) = filled.shop.lake.files("runs")
    (filled.shop.folder / "lake" / "shop" / path).write_bytes(b"nothing")
    with pytest.raises(LakeUnavailable, match="could not read shop/runs/"):
        filled.erase(ANNA)


def test_a_lake_without_folders_is_rewritten_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEDERATION_ERASURE_KEY", KEY)
    with open_world(tmp_path, lake="memory://erasing") as world:
        world.shop.customer(ANNA)
        world.shop.customer(BERT)
        world.shop.order(customer=ANNA)
        world.sync()
        world.compact()
        before = set(world.shop.lake.everything())
        erased = world.erase(ANNA)
        assert erased.receipt.lake.removed["rows of Customer"] == 2
        assert erased.receipt.searched[0].parts > len(before) / 2
        assert all(world.shop.lake.exists(path) for path in world.shop.named_files())
        assert world.query("SELECT name FROM customer") == [(BERT,)]
        assert sum(each.documents for each in world.sync(depth="full").doctypes) == 0


def test_done_twice_it_changes_nothing_more_and_the_list_grows_once(filled: Erasures) -> None:
    filled.erase(ANNA)
    again = filled.erase(ANNA)
    assert again.receipt.lake.files == again.receipt.lake.manifests == 0
    assert again.receipt.mothership == {}
    key = KEY.encode()
    assert len(register.read_list(filled.shop.lake, key)) == 1
    assert again.path.startswith("erasure/receipts/0000000001-")


def test_many_names_go_at_once(world: Erasures) -> None:
    names = [f"Customer of many {number:04d}" for number in range(1_200)]
    for name in names:
        world.shop.customer(name)
    world.sync()
    world.erase(*names[:1_100])
    assert world.query("SELECT count(*) FROM customer") == [(100,)]
    assert world.found(names[1_099]) == []
