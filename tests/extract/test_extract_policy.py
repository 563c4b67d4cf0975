"""What the policy holds back: dropped fields are never asked for, hashed ones never stored in clear."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from extract_world import CUSTOMER, ORDER, READER, Shop

from federation.demo.site.permissions import SiteUser, add_user
from federation.policy.apply import hash_cells

EMAIL, PHONE, SECRET_ITEM = "ada@lovelace.test", "+44 20 7946 0958", "a secret item"


@pytest.fixture
def held_back(shop: Shop, tmp_path: Path) -> Shop:
    key = f"file:{tmp_path}/hash"
    return shop.with_settings(
        policy=[
            {"doctype": CUSTOMER, "field": "email", "action": "hash", "key": key},
            {"field": "phone", "action": "drop"},
            {"doctype": "Order Line", "field": "item", "action": "hash", "key": key},
            {"doctype": ORDER, "field": "taxes", "action": "drop"},
            {"doctype": "Deleted Document", "field": "*", "action": "drop"},
        ]
    )


def every_byte(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def texts_in(shop: Shop) -> str:
    """All that Parquet files say, whatever their encoding."""
    return " ".join(str(table.to_pylist()) for name in (CUSTOMER, ORDER) for table in shop.folded(name).values())


def test_dropped_fields_and_tables_are_in_no_request(held_back: Shop) -> None:
    held_back.customer("Ada", email=EMAIL, phone=PHONE)
    held_back.order()
    held_back.sync()
    held_back.documents.delete(CUSTOMER, "Ada")
    held_back.sync()
    held_back.sync(depth="full")
    asked = "\n".join(held_back.watch.requests)
    assert '"email"' in asked
    for withheld in ("phone", "Order Tax", '"data"'):
        assert withheld not in asked


def test_hashed_values_stand_nowhere_on_the_lake_in_clear(held_back: Shop, tmp_path: Path) -> None:
    held_back.customer("Ada", email=EMAIL, phone=PHONE)
    held_back.order(lines=0, remarks="said aloud")
    held_back.documents.insert(ORDER, {"lines": [{"item": SECRET_ITEM}]})
    held_back.sync()
    [ada] = held_back.folded(CUSTOMER)[CUSTOMER].to_pylist()
    assert [ada["email"]] == hash_cells([EMAIL], (tmp_path / "hash").read_bytes())
    assert "phone" not in ada
    said = texts_in(held_back)
    assert "said aloud" in said
    stored = every_byte(tmp_path / "lake")
    for secret in (EMAIL, PHONE, SECRET_ITEM, "the-api-key", "the-api-secret", "a key to hash with"):
        assert secret not in said
        assert secret.encode() not in stored


def test_a_document_set_aside_keeps_its_secrets_too(held_back: Shop, tmp_path: Path) -> None:
    held_back.customer("Ada", email=EMAIL, phone=PHONE)
    held_back.documents.sql_update(CUSTOMER, {"name": "Ada"}, {"creation": "not a time"})
    assert held_back.sync()[CUSTOMER].quarantined == 1
    stored = every_byte(tmp_path / "lake")
    assert EMAIL.encode() not in stored
    packages = [package for manifest in held_back.manifests() for package in manifest.packages]
    [file] = [file for package in packages for file in package.files if file.kind == "quarantine"]
    import pyarrow.parquet as pq

    rows = str(pq.read_table(held_back.lake.uri(file.path)).to_pylist())
    assert "not a time" in rows
    assert EMAIL not in rows
    assert PHONE not in rows


def test_a_rule_that_comes_later_holds_from_the_next_run_on(shop: Shop) -> None:
    shop.customer("Ada", phone=PHONE)
    shop.sync()
    stricter = shop.with_settings(policy=[{"field": "phone", "action": "drop"}])
    shop.watch.requests.clear()
    stricter.customer("Eve", phone=PHONE)
    stricter.sync()
    assert "phone" not in "\n".join(shop.watch.requests)


LAST = [{"field": "phone", "action": "mask", "show": "last 4"}]


@pytest.fixture
def read_before(shop: Shop) -> Shop:
    for name in ("Ada", "Eve"):
        shop.customer(name, phone=PHONE, email=EMAIL)
        shop.order(remarks=f"of {name}")
    shop.age()
    shop.sync()
    return shop


def phones(shop: Shop) -> set[str]:
    return {row.get("phone") for row in shop.folded(CUSTOMER)[CUSTOMER].to_pylist()}


@pytest.mark.parametrize("before", [[], [{"field": "phone", "action": "drop"}], LAST])
@pytest.mark.parametrize("after", [[], LAST, [{"field": "phone", "action": "mask", "show": "last 2"}]])
def test_a_changed_policy_reaches_documents_that_didnt_change(
    shop: Shop, before: list[dict[str, str]], after: list[dict[str, str]]
) -> None:
    first, then = shop.with_settings(policy=before), shop.with_settings(policy=after)
    shop.customer("Ada", phone=PHONE)
    shop.age(CUSTOMER)
    first.sync()
    shop.watch.requests.clear()
    outcome = then.sync()[CUSTOMER]
    assert (outcome.documents, outcome.patched) == (0, 0 if before == after else 1)
    assert phones(then) == {PHONE if not after else "…" + PHONE[-int(after[0]["show"][-1]) :]}
    assert then.manifests()[-1].doctypes[CUSTOMER].uncovered == ()
    assert then.sync()[CUSTOMER].status == "unchanged"


def test_a_hash_under_another_key_reaches_documents_that_didnt_change(read_before: Shop, tmp_path: Path) -> None:
    rule = {"doctype": CUSTOMER, "field": "phone", "action": "hash", "key": f"file:{tmp_path}/hash"}
    hashing = read_before.with_settings(policy=[rule])
    hashing.sync()
    under_first = phones(hashing)
    (tmp_path / "hash").write_text("another key to hash with, long enough")
    assert hashing.sync()[CUSTOMER].patched == 2
    assert phones(hashing) == set(hash_cells([PHONE], b"another key to hash with, long enough")) != under_first


def test_a_field_whose_permission_level_changes_is_patched_when_it_may_leave(shop: Shop) -> None:
    user = SiteUser(READER, reads=("*",), levels=(0, 1))
    add_user(shop.site.store, user, api_key="the-api-key", api_secret="the-api-secret")
    levelled = shop.with_settings(policy=[{"doctype": CUSTOMER, "action": "drop"}, {"permlevel": 1, "action": "keep"}])
    shop.customer("Ada", phone=PHONE)
    shop.age(CUSTOMER)
    levelled.sync()
    assert phones(levelled) == {None}
    shop.site.store.set_property(CUSTOMER, "phone", "permlevel", 1)
    assert levelled.sync()[CUSTOMER].patched == 1
    assert phones(levelled) == {PHONE}


def test_what_was_read_before_treatments_were_remembered_is_read_again_where_it_is_altered(read_before: Shop) -> None:
    forget_treatments(read_before)
    masking = read_before.with_settings(policy=LAST)
    assert masking.sync()[CUSTOMER].patched == 2
    state = masking.manifests()[-1].doctypes[CUSTOMER]
    assert (state.treatments, state.older_treatments) == ({"phone": "mask last 4"}, {"phone": "unknown"})


def test_child_rows_above_a_permission_level_stay_at_the_site(shop: Shop) -> None:
    shop.site.store.set_property(ORDER, "taxes", "permlevel", 1)
    levelled = shop.with_settings(policy=[{"permlevel": 1, "action": "drop"}])
    shop.order()
    shop.watch.requests.clear()
    levelled.sync()
    assert "Order Tax" not in "\n".join(shop.watch.requests)
    assert set(levelled.folded(ORDER)) == {ORDER, "Order Line"}


def test_documents_that_point_at_a_renamed_one_through_a_mask_are_read_again(shop: Shop) -> None:
    masking = shop.with_settings(policy=[{"field": "customer", "action": "mask", "show": "last 4"}])
    shop.customer("Ada Lovelace")
    order = shop.order(customer="Ada Lovelace")
    shop.age()
    masking.sync()
    shop.documents.rename(CUSTOMER, "Ada Lovelace", "Ada Countess of L")
    masking.sync()
    assert masking.value(ORDER, order, "customer") == "…of L"


def forget_treatments(shop: Shop) -> None:
    """The newest manifest becomes as an earlier version of ours would have written it."""
    [newest] = sorted(shop.lake.files("log"))[-1:]
    file = Path(shop.lake.uri(newest))
    manifest = json.loads(file.read_bytes())
    for state in manifest["doctypes"].values():
        state.pop("treatments", None)
    file.write_text(json.dumps(manifest))
