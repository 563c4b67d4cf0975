"""What the policy holds back: dropped fields are never asked for, hashed ones never stored in clear."""

from __future__ import annotations

from pathlib import Path

import pytest
from extract_world import CUSTOMER, ORDER, Shop

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
