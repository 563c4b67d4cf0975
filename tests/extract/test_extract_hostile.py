"""What a site says is data: bad cells, bad names and absurd sizes cost a document or a DocType, never the run."""

from __future__ import annotations

import json
from typing import Any

import pyarrow.parquet as pq
import pytest
from extract_world import CUSTOMER, ORDER, PUNCH, Shop, doctype

from federation.demo.site import app, calls
from federation.demo.site.faults import Fault
from federation.demo.site.lists import Page


def quarantine(shop: Shop) -> list[dict[str, Any]]:
    files = [
        file
        for manifest in shop.manifests()
        for package in manifest.packages
        for file in package.files
        if file.kind == "quarantine"
    ]
    return [row for file in files for row in pq.read_table(shop.lake.uri(file.path)).to_pylist()]


def send_with(monkeypatch: pytest.MonkeyPatch, fieldname: str, value: object) -> None:
    """The site sends `value` in one field of every Customer."""
    rows_as_they_are = app.SiteApp._rows

    def rows_twisted(site: app.SiteApp, answer: object, call: Any, fault: Fault | None) -> object:
        rows: Any = rows_as_they_are(site, answer, call, fault)
        fields = json.loads(call.params.get("fields", "[]"))
        if not isinstance(answer, Page) or "email" not in fields:
            return rows
        place = fields.index(fieldname)
        return [(*row[:place], value, *row[place + 1 :]) for row in rows]

    monkeypatch.setattr(app.SiteApp, "_rows", rows_twisted)
    monkeypatch.setattr(app, "encode", lambda answer: json.dumps(answer).encode())


def test_a_cell_that_doesnt_fit_sets_its_document_aside_whole(shop: Shop) -> None:
    good, bad = shop.order(lines=3), shop.order(lines=3)
    shop.documents.sql_update(ORDER, {"name": bad}, {"due": "the day after tomorrow"})
    outcome = shop.sync()[ORDER]
    assert (outcome.documents, outcome.quarantined) == (1, 1)
    assert shop.names(ORDER) == {good}
    assert {row["parent"] for row in shop.folded(ORDER)["Order Line"].to_pylist()} == {good}
    [row] = quarantine(shop)
    assert (row["name"], row["fieldname"], row["value"]) == (bad, "due", "the day after tomorrow")
    assert row["document"].count('"item"') == 3


def test_a_child_row_that_doesnt_fit_sets_its_whole_document_aside(shop: Shop) -> None:
    good, bad = shop.order(), shop.order()
    shop.documents.sql_update("Order Line", {"parent": bad, "idx": 1}, {"creation": "never"})
    outcome = shop.sync()[ORDER]
    assert (outcome.documents, outcome.quarantined) == (1, 1)
    assert shop.names(ORDER) == {good}
    assert {
        row["parent"] for table in ("Order Line", "Order Tax") for row in shop.folded(ORDER)[table].to_pylist()
    } == {good}


def test_a_document_that_is_put_right_comes_out_of_quarantine(shop: Shop) -> None:
    bad = shop.order()
    shop.documents.sql_update(ORDER, {"name": bad}, {"due": "never"})
    shop.sync()
    shop.documents.save(ORDER, bad, {"due": "2026-01-01 00:00:00"})
    shop.sync()
    shop.assert_same(ORDER)


@pytest.mark.parametrize(
    "value", ["\ud800", {"a": ["\udfff"]}, 10**40, float("nan"), float("inf"), True, [[[]]], "x" * 1_000_000]
)
@pytest.mark.parametrize("fieldname", ["email", "limit", "creation", "docstatus"])
def test_absurd_cells_are_kept_or_set_aside_and_never_break_the_run(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, fieldname: str, value: object
) -> None:
    send_with(monkeypatch, fieldname, value)
    shop.customer("Ada")
    shop.order()
    outcomes = shop.sync()
    assert outcomes[CUSTOMER].documents + outcomes[CUSTOMER].quarantined == 1
    assert outcomes[CUSTOMER].quarantined or fieldname != "creation"
    assert outcomes[ORDER].documents == 1


@pytest.mark.parametrize("value", ["\ud800", None, 1.5, float("nan")])
def test_a_name_that_isnt_text_fails_its_doctype_alone(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, value: object
) -> None:
    send_with(monkeypatch, "name", value)
    shop.customer("Ada")
    shop.order()
    outcomes = shop.sync()
    assert outcomes[CUSTOMER].status == "failed"
    assert outcomes[ORDER].documents == 1


def test_rows_later_than_the_bound_dont_move_the_position(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    send_with(monkeypatch, "modified", "9999-12-31 23:59:59")
    shop.customer("Ada")
    outcome = shop.sync()[CUSTOMER]
    assert outcome.status == "failed"
    assert "goes on behind" in outcome.error
    monkeypatch.undo()
    shop.sync()
    shop.assert_same(CUSTOMER)


def test_rows_of_another_width_are_read_as_objects(shop: Shop) -> None:
    shop.customer("Ada", email="ada@lovelace.test")
    shop.order()
    shop.watch.add(Fault("resource/Customer", kind="shift"))
    shop.sync()
    shop.assert_same()


@pytest.mark.parametrize(
    "name", ["../../etc", 'a"; DROP TABLE x; --', "`tab`", "x" * 140, "a/b", "Ünïcödé", "tab\tname"]
)
def test_whatever_is_selected_as_a_doctype_breaks_nothing(shop: Shop, name: str) -> None:
    shop.customer("Ada")
    outcomes = shop.sync(doctypes=(name, CUSTOMER))
    assert outcomes[name].status == "failed"
    assert len(outcomes[name].error) < 700
    assert outcomes[CUSTOMER].documents == 1
    assert all(path.startswith("runs/") for path in shop.lake.files("runs"))


HOSTILE_FIELDS = (
    "../up",
    'quo"te',
    "back`tick",
    "a;b",
    "x" * 10_000,
    "sp ace",
    "",
    "nul\x00",
    "-- x",
    "satellite",
    "observed",
    "modified_utc",
    "MODIFIED",
    "parent",
)


def test_hostile_fieldnames_and_doctypes_in_metadata_cost_only_themselves(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = calls.metadata

    def described(call: Any) -> dict[str, Any]:
        answer = real(call)
        if call.params["doctype"] == CUSTOMER:
            extra = [{"fieldname": name, "fieldtype": "Data", "label": name} for name in HOSTILE_FIELDS]
            extra += [{"fieldname": "evil", "fieldtype": "Table", "options": "../../evil"}]
            extra += [{"fieldname": "odd", "fieldtype": {"a": 1}}, "not a field", None]
            answer["docs"][0] = {**answer["docs"][0], "fields": [*answer["docs"][0]["fields"], *extra]}
        return answer

    monkeypatch.setattr(calls, "metadata", described)
    shop.customer("Ada", email="ada@lovelace.test")
    outcomes = shop.sync()
    assert outcomes[ORDER].status == "unchanged"
    assert outcomes[CUSTOMER].error == ""
    [row] = shop.folded(CUSTOMER)[CUSTOMER].to_pylist()
    assert row["email"] == "ada@lovelace.test"
    assert row["satellite"] == "shop"


def test_metadata_of_another_doctype_is_no_metadata(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    real = calls.metadata

    def described(call: Any) -> dict[str, Any]:
        answer = real(call)
        if call.params["doctype"] == CUSTOMER:
            answer["docs"][0] = {**answer["docs"][0], "name": "../" * 3000}
        return answer

    monkeypatch.setattr(calls, "metadata", described)
    outcomes = shop.sync()
    assert outcomes[CUSTOMER].status == "failed"
    assert len(outcomes[CUSTOMER].error) < 700
    assert outcomes[PUNCH].status == "unchanged"


def test_a_doctype_of_the_longest_name_with_awkward_letters_is_read(shop: Shop) -> None:
    name = ("Ünïcödé Dóc-Type_" * 10)[:140]
    shop.site.store.create_doctype(doctype(name, "title: Data"))
    shop.documents.insert(name, {"name": "a/b?c#d%20+'\"`\\", "title": "x"})
    assert shop.sync(doctypes=(name,))[name].documents == 1
    shop.documents.save(name, "a/b?c#d%20+'\"`\\", {"title": "y"})
    shop.sync(doctypes=(name,))
    shop.assert_same(name)


def test_names_that_sql_and_paths_choke_on_are_followed_through_their_whole_life(shop: Shop) -> None:
    names = ["'; DROP TABLE x; --", "../../x", 'quo"te', "back\\slash", "🐝", "ﷺ", "100%", "None", "null", "a" * 140]
    for name in names:
        shop.customer(name)
    shop.sync()
    for name in names[::2]:
        shop.documents.delete(CUSTOMER, name)
    for name in names[1::4]:
        shop.documents.sql_delete(CUSTOMER, {"name": name})
    shop.sync(depth="full")
    shop.assert_same(CUSTOMER)
