"""Data Docs of a sync: pages beside the packages, bounded in number, that never cost a document or an idle run."""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from extract_world import CUSTOMER, ORDER, Shop

from federation.contract.names import slug
from federation.data_docs import KEPT
from federation.extract.outcome import DocTypeOutcome

NOT_NULL = "expect_column_values_to_not_be_null"


def expecting(shop: Shop, text: str, **settings: object) -> Shop:
    folder = shop.folder / "expectations"
    folder.mkdir(exist_ok=True)
    (folder / "customer.yaml").write_text(text)
    return shop.with_settings(validation=True, **settings)


def pages(shop: Shop, doctype: str = CUSTOMER) -> list[str]:
    return shop.lake.files(f"docs/{slug(doctype)}")


def test_a_page_a_doctype_lies_beside_the_packages_and_the_index_leads_to_it(shop: Shop) -> None:
    judged = expecting(shop, f"- {{expect: {NOT_NULL}, field: email, reason: Everybody has an address.}}")
    shop.customer("Ada <b>", email=None)
    shop.order()
    outcomes = judged.sync()
    [page] = pages(shop)
    assert outcomes[CUSTOMER].data_docs == shop.lake.uri(page)
    told = shop.lake.read(page).decode()
    assert "Everybody has an address." in told
    assert "Ada &#60;b&#62;" in told
    assert "<b>" not in told
    index = shop.lake.read("docs/index.html").decode()
    assert set(re.findall(r'href="([^"]+)">(\w+)<', index)) == {
        (page.removeprefix("docs/"), CUSTOMER),
        (pages(shop, ORDER)[0].removeprefix("docs/"), ORDER),
    }


def test_a_value_stands_beside_its_document_unless_the_policy_alters_it(shop: Shop) -> None:
    rules = "".join(
        f"\n- {{expect: expect_column_values_to_not_match_regex, field: {field}, regex: gone}}"
        for field in ("phone", "customer_name")
    )
    shop.customer("Ada", phone="gone 4711", customer_name="gone by")
    told = expecting(shop, rules).sync()[CUSTOMER]
    shown = {each.expectation.fieldname: each.examples for each in told.report.failed}
    assert {field: [(one.document, one.value) for one in examples] for field, examples in shown.items()} == {
        "phone": [("Ada", "gone 4711")],
        "customer_name": [("Ada", "gone by")],
    }
    policy = [{"field": "phone", "action": "hash", "key": f"file:{shop.folder}/hash"}]
    hashed = expecting(shop, f"- {{expect: {NOT_NULL}, field: phone}}", policy=policy)
    shop.customer("Bo", phone=None)
    [failed] = hashed.sync()[CUSTOMER].report.failed
    assert [(one.document, one.value) for one in failed.examples] == [("Bo", "")]


def test_an_idle_sync_writes_nothing(shop: Shop) -> None:
    judged = shop.with_settings(validation=True)
    shop.customer("Ada")
    shop.age(CUSTOMER)
    judged.sync()
    before = {path: Path(shop.lake.uri(path)).stat().st_mtime_ns for path in shop.lake.files("docs")}
    outcome = judged.sync()[CUSTOMER]
    assert (outcome.status, outcome.data_docs) == ("unchanged", "")
    assert {path: Path(shop.lake.uri(path)).stat().st_mtime_ns for path in shop.lake.files("docs")} == before


def test_an_idle_sync_doesnt_load_the_engine_and_a_busy_one_leaves_nothing_where_it_runs(shop: Shop) -> None:
    (shop.folder / "federation.yaml").write_text(
        json.dumps(
            {
                "doctypes": [CUSTOMER],
                "satellites": {
                    "shop": {
                        "url": shop.site.url,
                        "credentials": {"key": f"file:{shop.folder}/key", "secret": f"file:{shop.folder}/secret"},
                    }
                },
                "lake": "lake",
            }
        )
    )
    elsewhere = shop.folder / "elsewhere"
    elsewhere.mkdir()
    code = f"""
import socket, sys
from federation.cli.app import app
from typer.testing import CliRunner
reached, connect = set(), socket.socket.connect
def connecting(self, address):
    reached.add(address[0] if isinstance(address, tuple) else "local")
    return connect(self, address)
socket.socket.connect = connecting
ran = CliRunner().invoke(app, ["--settings", "{shop.folder}/federation.yaml", "sync"])
print(ran.exit_code, "great_expectations" in sys.modules, sorted(reached))
"""

    def run() -> str:
        home = {**os.environ, "HOME": str(elsewhere), "PYTHONPATH": str(Path(__file__).parents[2])}
        ran = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, cwd=elsewhere, env=home, check=False
        )
        return ran.stdout.strip() or ran.stderr

    shop.customer("Ada")
    shop.age(CUSTOMER)
    assert run() == "0 True ['127.0.0.1']"
    assert list(elsewhere.iterdir()) == []
    assert run() == "0 False ['127.0.0.1']"


@pytest.fixture
def no_folder(shop: Shop) -> Path:
    """A place below which no folder can be made, by no user."""
    place = shop.folder / "taken"
    place.write_text("a file")
    return place


def test_a_place_that_cannot_be_written_is_a_warning_and_costs_nothing(
    shop: Shop, no_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    judged = shop.with_settings(validation=True, data_docs=str(no_folder / "docs"))
    shop.customer("Ada")
    shop.order()
    with caplog.at_level(logging.WARNING):
        outcomes = judged.sync()
    assert {outcomes[doctype].status for doctype in (CUSTOMER, ORDER)} == {"changed"}
    [warning] = [record.getMessage() for record in caplog.records if "Data Docs" in record.getMessage()]
    assert warning.startswith("shop: its Data Docs were not written:")
    assert f"Let this user write into {no_folder}/docs, or name another place for them with `data_docs`" in warning
    assert outcomes[CUSTOMER].data_docs == ""
    assert warning in {outcomes[doctype].data_docs_failure for doctype in (CUSTOMER, ORDER)}
    shop.assert_same(CUSTOMER, ORDER)


def test_the_newest_pages_of_a_doctype_stay(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    judged = shop.with_settings(validation=True, data_docs="pages")
    for number in range(KEPT + 3):
        old = shop.folder / "pages" / "shop" / "docs" / slug(CUSTOMER) / f"202601{number + 1:02}T000000Z-rows-9-1.html"
        old.parent.mkdir(parents=True, exist_ok=True)
        old.write_text("an old page")
    other = old.with_name("20250101T000000Z-ties-9-1.html")
    other.write_text("of another kind")
    shop.customer("Ada")
    outcome: DocTypeOutcome = judged.sync()[CUSTOMER]
    left = sorted(path.name for path in other.parent.iterdir())
    assert left[0] == other.name
    assert left[-1] == Path(outcome.data_docs).name
    assert [name[:8] for name in left[1:-1]] == [f"202601{day:02}" for day in range(5, KEPT + 4)]
    assert shop.lake.files("docs") == []
