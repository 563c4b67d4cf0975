"""Merging: what observations of documents, absences and misfits make of the tables."""

from __future__ import annotations

import tempfile
from decimal import Decimal
from pathlib import Path

import pytest
from fsspec.implementations.memory import MemoryFileSystem
from mothership_sites import INVOICE, ITEM, ORDER, TAX, Document, Site, ask, at, content, merge, naive
from places import Place

from federation.mothership.errors import PackageDamaged


def invoice(name: str, tick: int, customer: str = "Acme", items: tuple[str, ...] = (), **values: object) -> Document:
    rows = [{"name": item, "item": item.upper(), "qty": tick} for item in items]
    return Document(name, tick, {"customer": customer, "total": Decimal(tick), **values}, {ITEM: rows})


def names(place: Place, table: str) -> list[object]:
    return [row["name"] for row in ask(place, f"SELECT name FROM {table} ORDER BY name")]


def test_a_first_load_inserts_documents_with_their_child_rows(place: Place, site: Site) -> None:
    site.commit(documents=[invoice("SINV-1", 1, items=("a", "b")), invoice("SINV-2", 1)], through=5)
    (report,) = merge(place, site)
    (result,) = report.merged
    assert (result.table, result.packages, result.inserted, result.rows) == ("sales_invoice", 1, 2, 2)
    assert result.as_of == at(5)
    assert ask(place, "SELECT satellite, name, customer, total, observed FROM sales_invoice ORDER BY name") == [
        {"satellite": "north", "name": "SINV-1", "customer": "Acme", "total": Decimal(1), "observed": naive(1)},
        {"satellite": "north", "name": "SINV-2", "customer": "Acme", "total": Decimal(1), "observed": naive(1)},
    ]
    assert ask(place, "SELECT name, parent, parenttype, item, qty FROM sales_item ORDER BY name") == [
        {"name": "a", "parent": "SINV-1", "parenttype": INVOICE, "item": "A", "qty": 1},
        {"name": "b", "parent": "SINV-1", "parenttype": INVOICE, "item": "B", "qty": 1},
    ]
    assert names(place, "sales_tax") == []


def test_a_later_observation_replaces_the_whole_document(place: Place, site: Site) -> None:
    site.commit(documents=[invoice("SINV-1", 1, items=("a", "b"))])
    merge(place, site)
    site.commit(documents=[invoice("SINV-1", 2, "Beta", items=("b", "c"))])
    (report,) = merge(place, site)
    assert (report.merged[0].inserted, report.merged[0].updated) == (0, 1)
    assert ask(place, "SELECT name, customer FROM sales_invoice") == [{"name": "SINV-1", "customer": "Beta"}]
    assert ask(place, "SELECT name, qty FROM sales_item ORDER BY name") == [
        {"name": "b", "qty": 2},
        {"name": "c", "qty": 2},
    ]


def test_an_earlier_observation_is_ignored_with_its_child_rows(place: Place, site: Site) -> None:
    site.commit(documents=[invoice("SINV-1", 2, "Beta", items=("b",))])
    merge(place, site)
    site.commit(documents=[invoice("SINV-1", 1, items=("a",))], gone={"SINV-1": 1})
    (report,) = merge(place, site)
    assert (report.merged[0].ignored, report.merged[0].updated, report.merged[0].rows) == (2, 0, 1)
    assert ask(place, "SELECT customer FROM sales_invoice") == [{"customer": "Beta"}]
    assert names(place, "sales_item") == ["b"]
    assert names(place, "federation_tombstone") == []


def test_of_several_states_in_one_package_the_latest_stands_once(place: Place, site: Site) -> None:
    states = [invoice("SINV-1", tick, f"at {tick}", items=(f"row-{tick}",)) for tick in (2, 3, 1)]
    site.commit(documents=[*states, invoice("SINV-1", 3, "sent twice", items=("row-3",))])
    merge(place, site)
    assert ask(place, "SELECT observed FROM sales_invoice") == [{"observed": naive(3)}]
    assert names(place, "sales_item") == ["row-3"]


def test_an_absence_takes_the_document_and_its_child_rows_away(place: Place, site: Site) -> None:
    site.commit(documents=[invoice("SINV-1", 1, items=("a",)), invoice("SINV-2", 1, items=("b",))])
    merge(place, site)
    site.commit(gone={"SINV-1": 2, "SINV-9": 2})
    (report,) = merge(place, site)
    assert report.merged[0].deleted == 1
    assert names(place, "sales_invoice") == ["SINV-2"]
    assert names(place, "sales_item") == ["b"]
    assert names(place, "federation_tombstone") == ["SINV-1", "SINV-9"]


def test_a_name_that_is_used_again_is_a_new_document(place: Place, site: Site) -> None:
    site.commit(documents=[invoice("SINV-1", 1, items=("a",))])
    site.commit(gone={"SINV-1": 2})
    site.commit(documents=[invoice("SINV-1", 3, "New", items=("z",))])
    merge(place, site)
    assert ask(place, "SELECT customer FROM sales_invoice") == [{"customer": "New"}]
    assert names(place, "sales_item") == ["z"]
    assert names(place, "federation_tombstone") == []
    site.commit(documents=[invoice("SINV-1", 1, "Old")])
    merge(place, site)
    assert ask(place, "SELECT customer FROM sales_invoice") == [{"customer": "New"}]


def test_a_state_from_before_a_recorded_absence_stays_out(place: Place, site: Site) -> None:
    site.commit(gone={"SINV-1": 2})
    merge(place, site)
    site.commit(documents=[invoice("SINV-1", 1, items=("a",))])
    merge(place, site)
    assert names(place, "sales_invoice") == []
    assert names(place, "sales_item") == []


def test_two_parents_share_a_child_doctype_and_a_name_without_touching_each_other(place: Place, site: Site) -> None:
    site.commit(INVOICE, [invoice("Acme", 1, items=("i1",))])
    site.commit(ORDER, [Document("Acme", 1, {}, {ITEM: [{"name": "o1", "item": "X", "qty": 1}]})])
    merge(place, site)
    site.commit(INVOICE, [invoice("Acme", 2, items=("i2",))])
    merge(place, site)
    assert names(place, "sales_item") == ["i2", "o1"]
    site.commit(INVOICE, gone={"Acme": 3})
    merge(place, site)
    assert names(place, "sales_item") == ["o1"]
    assert names(place, "sales_order") == ["Acme"]


def test_two_satellites_share_tables_and_names_without_touching_each_other(
    place: Place, site: Site, tmp_path: Path
) -> None:
    south = Site(tmp_path / "lake", "south")
    site.commit(documents=[invoice("SINV-1", 1, "in the north", items=("a",))])
    south.commit(documents=[invoice("SINV-1", 1, "in the south", items=("a",))])
    merge(place, site, south)
    south.commit(gone={"SINV-1": 2})
    merge(place, south)
    assert ask(place, "SELECT satellite, customer FROM sales_invoice") == [
        {"satellite": "north", "customer": "in the north"}
    ]
    assert ask(place, "SELECT satellite, name FROM sales_item") == [{"satellite": "north", "name": "a"}]


@pytest.mark.parametrize("together", [True, False])
def test_child_rows_move_with_a_renamed_document(place: Place, site: Site, *, together: bool) -> None:
    site.commit(documents=[invoice("Old", 1, items=("a",))])
    if not together:
        merge(place, site)
    site.commit(documents=[invoice("New", 2, items=("a",))])
    merge(place, site)
    assert ask(place, "SELECT name, parent FROM sales_item") == [{"name": "a", "parent": "New"}]
    site.commit(gone={"Old": 3})
    merge(place, site)
    assert ask(place, "SELECT name, parent FROM sales_item") == [{"name": "a", "parent": "New"}]


def test_columns_and_child_tables_that_a_package_does_not_cover_keep_what_is_stored(place: Place, site: Site) -> None:
    first = Document(
        "SINV-1",
        1,
        {"customer": "Acme", "total": Decimal(7)},
        {ITEM: [{"name": "a", "item": "A", "qty": 4}], TAX: [{"name": "t", "rate": Decimal(19)}]},
    )
    site.commit(documents=[first])
    merge(place, site)
    site.commit(
        documents=[invoice("SINV-1", 2, "Beta", items=("a", "b")), invoice("SINV-2", 2)], without=["total", "qty", TAX]
    )
    merge(place, site)
    assert ask(place, "SELECT customer, total FROM sales_invoice ORDER BY name") == [
        {"customer": "Beta", "total": Decimal(7)},
        {"customer": "Acme", "total": None},
    ]
    assert ask(place, "SELECT name, qty FROM sales_item ORDER BY name") == [
        {"name": "a", "qty": 4},
        {"name": "b", "qty": None},
    ]
    assert names(place, "sales_tax") == ["t"]
    site.commit(documents=[invoice("SINV-1", 3)])
    merge(place, site)
    assert names(place, "sales_tax") == []
    assert names(place, "sales_item") == []


@pytest.mark.parametrize("together", [True, False])
def test_nothing_of_a_deleted_document_is_kept_for_the_next_of_its_name(
    place: Place, site: Site, *, together: bool
) -> None:
    taxed = Document("SINV-1", 1, {"total": Decimal(7)}, {TAX: [{"name": "t", "rate": Decimal(19)}]})
    site.commit(documents=[taxed])
    merge(place, site)
    site.commit(gone={"SINV-1": 2})
    if not together:
        merge(place, site)
    site.commit(documents=[invoice("SINV-1", 3)], without=["total", TAX])
    merge(place, site)
    assert ask(place, "SELECT customer, total FROM sales_invoice") == [{"customer": "Acme", "total": None}]
    assert names(place, "sales_tax") == []


def test_a_document_set_aside_shows_until_a_later_state_is_accepted(place: Place, site: Site) -> None:
    site.commit(documents=[invoice("SINV-1", 1)], aside={"SINV-2": 1})
    merge(place, site)
    site.commit(aside={"SINV-1": 2, "SINV-3": 2})
    (report,) = merge(place, site)
    assert report.merged[0].quarantined == 2
    assert ask(place, "SELECT name, fieldname, reason FROM federation_quarantine ORDER BY name") == [
        {"name": name, "fieldname": "total", "reason": "is no number"} for name in ("SINV-1", "SINV-2", "SINV-3")
    ]
    assert names(place, "sales_invoice") == ["SINV-1"]
    site.commit(documents=[invoice("SINV-1", 3)], gone={"SINV-2": 3})
    merge(place, site)
    assert names(place, "federation_quarantine") == ["SINV-3"]
    site.commit(aside={"SINV-1": 2, "SINV-2": 2, "SINV-3": 1})
    (report,) = merge(place, site)
    assert report.merged[0].quarantined == 0
    assert ask(place, "SELECT name, observed FROM federation_quarantine") == [{"name": "SINV-3", "observed": naive(2)}]
    assert ask(place, "SELECT quarantined FROM federation_freshness") == [{"quarantined": 1}]


def test_a_walk_is_merged_when_it_is_complete_and_not_before(place: Place, site: Site) -> None:
    site.commit(documents=[invoice("SINV-1", 1)], walk="first", complete=False)
    (report,) = merge(place, site)
    assert report.merged == ()
    assert "sales_invoice" not in content(place)
    assert ask(place, 'SELECT as_of, "rows", waiting FROM federation_freshness') == [
        {"as_of": None, "rows": 0, "waiting": 1}
    ]
    site.commit(documents=[invoice("SINV-2", 1)], walk="first", through=9, pending=["SINV-3"])
    (report,) = merge(place, site)
    assert (report.merged[0].packages, report.merged[0].inserted) == (2, 2)
    assert ask(place, 'SELECT as_of, "rows", pending, waiting, last_change FROM federation_freshness') == [
        {"as_of": naive(9), "rows": 2, "pending": 1, "waiting": 0, "last_change": naive(1)}
    ]


def test_an_unchanged_doctype_gets_fresher_and_an_empty_one_has_an_empty_table(place: Place, site: Site) -> None:
    site.commit(through=1)
    merge(place, site)
    assert names(place, "sales_invoice") == []
    assert ask(place, 'SELECT "rows", as_of FROM federation_freshness') == [{"rows": 0, "as_of": naive(1)}]
    site.commit(through=2)
    (report,) = merge(place, site)
    assert report.merged == ()
    assert ask(place, 'SELECT "rows", as_of FROM federation_freshness') == [{"rows": 0, "as_of": naive(2)}]


def test_merging_again_changes_nothing(place: Place, site: Site) -> None:
    site.commit(documents=[invoice("SINV-1", 1, items=("a",))], gone={"SINV-2": 1}, aside={"SINV-3": 1})
    merge(place, site)
    before = content(place)
    generation = ask(place, "SELECT generation FROM federation_meta")
    (report,) = merge(place, site)
    assert report.merged == ()
    assert content(place) == before
    assert ask(place, "SELECT generation FROM federation_meta") == generation


def test_the_ledger_names_each_package_once_and_the_cursor_passes_what_is_settled(place: Place, site: Site) -> None:
    site.commit(documents=[invoice("SINV-1", 1)], walk="first", complete=False)
    site.commit(ORDER, [Document("SO-1", 1)])
    (report,) = merge(place, site)
    assert report.cursor == 1, "the package of the open walk is in the second commit"
    package = site.commit(documents=[invoice("SINV-2", 1)], walk="first")
    (report,) = merge(place, site)
    assert package is not None
    assert report.cursor == 9
    assert ask(place, "SELECT count(*) AS n, count(DISTINCT package) AS ids FROM federation_ledger") == [
        {"n": 3, "ids": 3}
    ]
    assert ask(place, f"SELECT doctype, seq, documents FROM federation_ledger WHERE package = '{package.id}'") == [
        {"doctype": INVOICE, "seq": 8, "documents": 1}
    ]


@pytest.mark.parametrize("harm", ["gone", "cut", "changed", "swapped"])
def test_a_damaged_package_costs_its_doctype_and_nothing_else(place: Place, site: Site, harm: str) -> None:
    broken = site.commit(documents=[invoice("SINV-1", 1)])
    intact = site.commit(ORDER, [Document("SO-1", 1)])
    assert broken is not None
    assert intact is not None
    path = Path(site.folder.uri(broken.files[0].path))
    whole = path.read_bytes()
    if harm == "gone":
        path.unlink()
    elif harm == "cut":
        path.write_bytes(whole[:-10])
    elif harm == "changed":
        path.write_bytes(whole[:50] + bytes([whole[50] ^ 1]) + whole[51:])
    else:
        path.write_bytes(Path(site.folder.uri(intact.files[0].path)).read_bytes())
    (report,) = merge(place, site)
    assert [result.doctype for result in report.merged] == [ORDER]
    error = report.failed[INVOICE]
    assert isinstance(error, PackageDamaged)
    assert "Restore it from a backup" in str(error)
    assert ask(place, "SELECT doctype FROM federation_freshness") == [{"doctype": ORDER}]
    path.write_bytes(whole)
    (report,) = merge(place, site)
    assert [result.doctype for result in report.merged] == [INVOICE]
    assert report.failed == {}
    assert names(place, "sales_invoice") == ["SINV-1"]


def test_packages_on_an_object_store_merge_like_those_on_a_disk_and_leave_nothing_on_it(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    MemoryFileSystem.store.clear()
    site = Site("memory://lake")
    site.commit(documents=[invoice("SINV-1", 1, items=("a", "b"))], gone={"SINV-2": 1})
    (report,) = merge(place, site)
    assert report.merged[0].inserted == 1
    assert names(place, "sales_item") == ["a", "b"]
    assert not [*tmp_path.rglob("*.scratch"), *tmp_path.glob("federation-*")]


def test_no_document_and_no_child_row_stands_twice(place: Place, site: Site) -> None:
    for tick in range(1, 6):
        rows = [invoice(f"SINV-{n}", tick, items=(f"{n}-a", f"{n}-b")) for n in range(20)]
        site.commit(documents=rows[tick:] + rows[:tick])
    merge(place, site)
    for table in ("sales_invoice", "sales_item"):
        twice = ask(place, f"SELECT satellite, name FROM {table} GROUP BY satellite, name HAVING count(*) > 1")
        assert twice == []
