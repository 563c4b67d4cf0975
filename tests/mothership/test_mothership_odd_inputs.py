"""Odd inputs: names and values that look like others, or like nothing, are loaded as what they are."""

from __future__ import annotations

import json
from datetime import time
from decimal import Decimal
from pathlib import Path

import pytest
from mothership_sites import FIELDS, INVOICE, ITEM, ORDER, Document, Site, ask, merge, naive
from places import Place

THING = "Thing"


def test_names_that_differ_in_case_accents_or_spaces_only_are_documents_of_their_own(
    place: Place, tmp_path: Path
) -> None:
    site = Site(tmp_path / "lake", fields={THING: {"value": "Data"}}, tables={})
    names = ["a", "A", "a ", " a", "ä", "a\u0308", "ß", "ss", "1", "01", "NULL", "", "日本", "👩\u200d💻"]
    site.commit(THING, [Document(name, 1, {"value": f"first of {name}"}) for name in names])
    merge(place, site)
    site.commit(THING, [Document(name, 2, {"value": f"second of {name}"}) for name in names[:3]], gone={"ä": 2})
    (report,) = merge(place, site)
    assert (report.merged[0].updated, report.merged[0].deleted, report.merged[0].rows) == (3, 1, len(names) - 1)
    found = {row["name"]: row["value"] for row in ask(place, "SELECT name, value FROM thing")}
    assert found == {name: f"{'second' if name in names[:3] else 'first'} of {name}" for name in names if name != "ä"}


TEXTS = [
    None, "", "NULL", "null", '"NULL"', r"\N", "\\", "'", '"', '""', ",", 'a,b\n"c"', "\r\n", "\n", "\t", "\0", "\x1a",
    "%s", "$name", "{x}", " lead", "trail ", "日本語", "👩\u200d💻", "\ufeff", "--", "x" * 140, "😀" * 140, "x" * 141,
    "y" * 70_000,
]  # fmt: skip


@pytest.mark.parametrize("fieldtype", ["Data", "Link", "Long Text"])
def test_texts_come_out_as_they_went_in(place: Place, tmp_path: Path, fieldtype: str) -> None:
    site = Site(tmp_path / "lake", fields={THING: {"value": fieldtype}}, tables={})
    site.commit(THING, [Document(f"{number:03}", 1, {"value": text}) for number, text in enumerate(TEXTS)])
    (report,) = merge(place, site)
    assert report.failed == {}
    assert [row["value"] for row in ask(place, "SELECT value FROM thing ORDER BY name")] == TEXTS


def test_longer_and_longer_values_of_a_column_are_never_cut(place: Place, tmp_path: Path) -> None:
    site = Site(tmp_path / "lake", fields={THING: {"value": "Data"}}, tables={})
    for tick, length in enumerate((10, 141, 400, 20_000, 3), 1):
        site.commit(THING, [Document(f"T-{tick}", tick, {"value": "ä" * length})])
        merge(place, site)
    found = [len(str(row["value"])) for row in ask(place, "SELECT value FROM thing ORDER BY name")]
    assert found == [10, 141, 400, 20_000, 3]


def test_a_name_as_long_as_a_site_can_make_it_is_a_name(place: Place, tmp_path: Path) -> None:
    site = Site(tmp_path / "lake")
    long = "ä" * 255
    for tick in (1, 2):
        site.commit(
            documents=[Document(long, tick, {"customer": long}, {ITEM: [{"name": f"{long}-{tick}", "qty": tick}]})],
            aside={f"{long}?": tick},
            gone={f"{long}!": tick},
            aliases=[(f"{long}#", long, tick)],
        )
        (report,) = merge(place, site)
        assert report.failed == {}
    assert ask(place, "SELECT name, customer FROM sales_invoice") == [{"name": long, "customer": long}]
    assert ask(place, "SELECT name, parent FROM sales_item") == [{"name": f"{long}-2", "parent": long}]
    assert ask(place, "SELECT name FROM federation_quarantine") == [{"name": f"{long}?"}]
    assert ask(place, "SELECT name FROM federation_tombstone") == [{"name": f"{long}!"}]
    assert ask(place, "SELECT old_name, new_name FROM federation_alias") == [{"old_name": f"{long}#", "new_name": long}]


def test_nested_arrays_and_objects_are_kept_as_the_text_that_they_are(place: Place, tmp_path: Path) -> None:
    site = Site(tmp_path / "lake", fields={THING: {"value": "JSON"}}, tables={})
    nested = json.dumps({"a": [1, {"b": [None, 'x\n"y"', {"c": "NULL"}]}], "ü": "\\"}, ensure_ascii=False)
    site.commit(THING, [Document("T-1", 1, {"value": nested})])
    merge(place, site)
    assert ask(place, "SELECT value FROM thing") == [{"value": nested}]


def test_fields_in_any_spelling_have_a_column_and_fields_that_a_state_lacks_are_null(
    place: Place, tmp_path: Path
) -> None:
    fields = {"customField": "Data", "HTTPStatus": "Int", "größe": "Currency", "with space": "Time", "order": "Check"}
    site = Site(tmp_path / "lake", fields={THING: fields}, tables={})
    values = {"customField": "x", "HTTPStatus": 404, "größe": Decimal("1.5"), "with space": time(8, 30), "order": 1}
    site.commit(THING, [Document("T-1", 1, values), Document("T-2", 1, {"HTTPStatus": -1}), Document("T-3", 1)])
    merge(place, site)
    asked = 'SELECT customfield, httpstatus, "grösse", "with space", "order" FROM thing ORDER BY name'
    assert [list(row.values()) for row in ask(place, asked)] == [
        ["x", 404, Decimal("1.5"), time(8, 30), 1],
        [None, -1, None, None, None],
        [None, None, None, None, None],
    ]


def test_the_same_document_many_times_in_many_packages_stands_once(place: Place, site: Site) -> None:
    for _ in range(3):
        site.commit(documents=[Document("SINV-1", 1, {"customer": "A"}, {ITEM: [{"name": "a"}, {"name": "b"}]})] * 4)
    (report,) = merge(place, site)
    assert (report.merged[0].inserted, report.merged[0].ignored, report.merged[0].rows) == (1, 11, 1)
    assert ask(place, "SELECT name FROM sales_item ORDER BY name") == [{"name": "a"}, {"name": "b"}]


@pytest.mark.parametrize("together", [True, False])
def test_a_row_that_left_a_document_is_not_lost_to_the_one_that_has_it(
    place: Place, site: Site, *, together: bool
) -> None:
    """The row moved from P to Q; Q was read before P was, and merged after."""
    site.commit(documents=[Document("P", 1, {}, {ITEM: [{"name": "row", "qty": 1}]})])
    merge(place, site)
    late = [Document("P", 9, {}, {ITEM: [{"name": "other", "qty": 9}]})]
    early = [Document("Q", 1, {}, {ITEM: [{"name": "row", "qty": 2}]})]
    if together:
        site.commit(documents=[*late, *early])
    else:
        site.commit(documents=late)
        merge(place, site)
        site.commit(documents=early)
    merge(place, site)
    assert ask(place, "SELECT name, parent, qty FROM sales_item ORDER BY name") == [
        {"name": "other", "parent": "P", "qty": 9},
        {"name": "row", "parent": "Q", "qty": 2},
    ]


def test_a_row_that_left_a_document_that_is_gone_is_not_lost_either(place: Place, site: Site) -> None:
    site.commit(documents=[Document("P", 5, {}, {ITEM: [{"name": "row", "qty": 1}]})])
    merge(place, site)
    site.commit(documents=[Document("Q", 3, {}, {ITEM: [{"name": "row", "qty": 2}]})], gone={"P": 6})
    merge(place, site)
    assert ask(place, "SELECT name, parent, qty FROM sales_item") == [{"name": "row", "parent": "Q", "qty": 2}]


def test_a_row_of_two_doctypes_belongs_to_the_document_observed_later(place: Place, site: Site) -> None:
    site.commit(INVOICE, [Document("X", 5, {}, {ITEM: [{"name": "row", "qty": 5}]})])
    merge(place, site)
    site.commit(ORDER, [Document("X", 4, {}, {ITEM: [{"name": "row", "qty": 4}, {"name": "own", "qty": 4}]})])
    merge(place, site)
    asked = "SELECT name, parenttype, qty FROM sales_item ORDER BY name"
    assert ask(place, asked) == [
        {"name": "own", "parenttype": ORDER, "qty": 4},
        {"name": "row", "parenttype": INVOICE, "qty": 5},
    ]
    site.commit(ORDER, [Document("X", 6, {}, {ITEM: [{"name": "row", "qty": 6}]})])
    merge(place, site)
    assert ask(place, asked) == [{"name": "row", "parenttype": ORDER, "qty": 6}]


def test_what_a_reborn_document_had_is_not_kept_for_rows_of_its_name(place: Place, site: Site) -> None:
    """The row came twice: with the document that was gone in between, and before with another one."""
    site.commit(documents=[Document("P", 1, {}, {ITEM: [{"name": "row", "qty": 7}]})])
    merge(place, site)
    site.commit(documents=[Document("Q", 2, {}, {ITEM: [{"name": "row"}]})], without=["qty"])
    site.commit(gone={"P": 3})
    site.commit(documents=[Document("P", 4, {}, {ITEM: [{"name": "row"}]})], without=["qty"])
    merge(place, site)
    assert ask(place, "SELECT name, parent, qty FROM sales_item") == [{"name": "row", "parent": "P", "qty": None}]


def test_a_column_that_was_dropped_by_hand_is_filled_again_by_what_comes(place: Place, site: Site) -> None:
    site.commit(documents=[Document("A", 1, {"customer": "a"}), Document("B", 1, {"customer": "b"})])
    merge(place, site)
    for column in ("observed", "customer"):
        place.alter(f"ALTER TABLE sales_invoice DROP COLUMN {column}")
    site.commit(documents=[Document("A", 2, {"customer": "c"})])
    (report,) = merge(place, site)
    assert (report.merged[0].updated, report.merged[0].rows) == (1, 2)
    assert ask(place, "SELECT name, customer, observed FROM sales_invoice ORDER BY name") == [
        {"name": "A", "customer": "c", "observed": naive(2)},
        {"name": "B", "customer": None, "observed": None},
    ]


def test_newest_change_and_rows_of_a_site_are_told_right_after_any_merge(place: Place, site: Site) -> None:
    def told() -> tuple[object, object]:
        (row,) = ask(place, 'SELECT "rows", last_change FROM federation_freshness')
        (measured,) = ask(place, 'SELECT count(*) AS "rows", max(modified_utc) AS last_change FROM sales_invoice')
        assert row == measured
        return row["rows"], row["last_change"]

    for documents, gone in (
        ([("A", 3), ("B", 9), ("C", 5)], {}),
        ([("A", 4)], {}),
        ([], {"B": 10}),
        ([("B", 11)], {"C": 12}),
        ([("D", 12)], {"D": 11, "B": 12}),
        ([], {"D": 13}),
        ([], {"A": 14}),
        ([("A", 15)], {}),
    ):
        site.commit(documents=[Document(name, tick) for name, tick in documents], gone=gone)
        merge(place, site)
        told()
    assert told()[0] == 1
    site.describe({**FIELDS, INVOICE: {**FIELDS[INVOICE], "campus": "Data"}})
    site.commit(documents=[Document("Z", 1)])
    merge(place, site)
    assert told()[0] == 2
