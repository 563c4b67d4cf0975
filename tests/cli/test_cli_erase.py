"""`federation erase`: what it asks, what it refuses, and what it says it did."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_process import Command


@pytest.fixture
def synced(settings_file: Path, federation: Command, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FEDERATION_ERASURE_KEY", "a key for what is erased, long enough")
    settings_file.write_text(settings_file.read_text() + "erasure: {key: env:FEDERATION_ERASURE_KEY}\n")
    assert federation("sync").exit_code == 0
    return settings_file


def customer(federation: Command) -> str:
    sql = "SELECT min(customer) AS name FROM sales_invoice WHERE satellite = 'north'"
    (row,) = json.loads(federation("query", "--json", sql).stdout)
    return str(row["name"])


def count(federation: Command, name: str) -> tuple[int, int]:
    asked = (
        "SELECT (SELECT count(*) FROM customer WHERE name = $$) + 0 AS one, (SELECT count(*) FROM sales_invoice WHERE "
    )
    sql = asked + "customer = $$) + 0 AS two"
    (row,) = json.loads(federation("query", "--json", sql.replace("$$", f"'{name}'")).stdout)
    return int(row["one"]), int(row["two"])


def test_it_shows_what_is_kept_asks_and_erases(synced: Path, federation: Command) -> None:
    name = customer(federation)
    looked = federation("erase", "north", "Customer", name, "--dry-run")
    assert looked.exit_code == 0
    assert "rows of Customer" in looked.stdout
    assert "links in Sales Invoice" in looked.stdout
    refused = federation("erase", "north", "Customer", name, stdin="n\n")
    assert refused.exit_code == 1
    before = count(federation, name)
    assert before[0] == 1
    assert before[1] > 0
    erased = federation("erase", "north", "Customer", name, stdin="y\n")
    assert erased.exit_code == 0, erased.stderr
    assert "The receipt is north/erasure/receipts/0000000001-" in erased.stderr
    assert count(federation, name) == (0, 0)
    for receipt in (synced.parent / "var" / "lake" / "north" / "erasure" / "receipts").iterdir():
        assert name not in receipt.read_text()
    assert federation("mothership", "check").exit_code == 0


def test_as_json_it_prints_the_receipt_alone(synced: Path, federation: Command) -> None:
    name = customer(federation)
    receipt = json.loads(
        federation("erase", "north", "Customer", name, "--yes", "--json", "--reason", "ticket 12").stdout
    )
    assert receipt["proven"] is True
    assert receipt["reason"] == "ticket 12"
    assert receipt["mothership"]["customer"] == 1
    assert [each["what"] for each in receipt["searched"]] == ["lake", "mothership", "files"]


def test_mistaken_names_are_refused_with_a_suggestion(synced: Path, federation: Command) -> None:
    assert "did you mean `north`?" in federation("erase", "nort", "Customer", "x").stderr
    assert "did you mean `Customer`?" in federation("erase", "north", "Custommer", "x").stderr
    ended = federation("erase", "north", "Sales Invoice Item", "x")
    assert "did you mean `Sales Invoice`?" in ended.stderr
    assert ended.exit_code == 2
    assert "say --again" in federation("erase", "north").stderr
    assert "say --again" in federation("erase", "north", "Customer", "x", "--again").stderr
    held = federation("erase", "north", "Customer", "Anna", "--reason", "Anna asked")
    assert held.exit_code == 2
    assert "it must hold none of the names" in held.stderr


def test_without_a_key_nothing_is_erased_and_nothing_of_who_was_erased_is_synced(
    synced: Path, federation: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = customer(federation)
    with_key = synced.read_text()
    without = with_key.replace("erasure: {key: env:FEDERATION_ERASURE_KEY}\n", "")
    synced.write_text(without)
    missing = federation("erase", "north", "Customer", name, "--yes")
    assert missing.exit_code == 2
    assert "openssl rand -hex 32" in missing.stderr
    synced.write_text(with_key)
    assert federation("erase", "north", "Customer", name, "--yes").exit_code == 0
    synced.write_text(without)
    refused = federation("sync", "-s", "north")
    assert refused.exit_code == 2
    assert "erasure.key" in refused.stderr
    assert federation("sync", "-s", "south").exit_code == 0
    synced.write_text(with_key)
    monkeypatch.setenv("FEDERATION_ERASURE_KEY", "another key, just as long as it must be")
    other = federation("sync", "-s", "north")
    assert other.exit_code == 1
    assert "give it back the value that it had" in other.stderr


def test_an_altered_suppression_list_stops_the_satellite(synced: Path, federation: Command) -> None:
    assert federation("erase", "north", "Customer", customer(federation), "--yes").exit_code == 0
    (entry,) = (synced.parent / "var" / "lake" / "north" / "erasure" / "list").iterdir()
    whole = entry.read_text()
    entry.write_text(whole.replace("erased-", "erased-0", 1))
    assert "was altered" in federation("sync", "-s", "north").stderr
    entry.unlink()
    assert "although there is a receipt of it" in federation("sync", "-s", "north").stderr
    entry.write_text(whole)
    assert federation("sync", "-s", "north").exit_code == 0
