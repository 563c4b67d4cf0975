"""Patches, documents found as known, and former names: what the mothership and `current` make of them."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mothership_sites import INVOICE, ITEM, ORDER, Document, KeepAll, Site, ask, merge, naive
from places import DuckdbPlace, Place

from federation.contract.union import contract_of
from federation.lake.current import compact
from federation.lake.log import CommitLog

INVOICES = "SELECT name, customer, observed FROM sales_invoice ORDER BY name"


def invoice(name: str, tick: int, **values: object) -> Document:
    return Document(name, tick, {"modified": naive(tick), **values})


def patch(name: str, modified: int, tick: int, **cells: object) -> dict[str, object]:
    return {"name": name, "modified": naive(modified), "observed": naive(tick), **cells}


def test_a_patch_sets_its_columns_where_the_row_is_as_it_was_read_and_makes_no_row(
    place: Place, tmp_path: Path
) -> None:
    site = Site(tmp_path / "lake")
    site.commit(documents=[invoice("A", 1, customer="a"), invoice("B", 1), invoice("C", 5), invoice("D", 1)])
    site.commit(gone={"D": 2})
    rows = [patch("A", 1, 3), patch("B", 2, 3), patch("C", 5, 4), patch("D", 1, 3), patch("E", 1, 3)]
    site.commit(patches={INVOICE: [{**row, "customer": "patched"} for row in rows]})
    (report,) = merge(place, site)
    assert report.failed == {}
    assert ask(place, INVOICES) == [
        {"name": "A", "customer": "patched", "observed": naive(1)},
        {"name": "B", "customer": None, "observed": naive(1)},
        {"name": "C", "customer": None, "observed": naive(5)},
    ]


def test_a_patch_of_a_child_table_is_for_the_rows_of_its_document(place: Place, tmp_path: Path) -> None:
    site = Site(tmp_path / "lake")
    row = {"name": "r", "modified": naive(1), "qty": 1}
    site.commit(documents=[Document("A", 1, {}, {ITEM: [row]})])
    site.commit(ORDER, [Document("A", 1, {}, {ITEM: [{**row, "name": "o"}]})])
    both = [
        patch("r", 1, 2, parent="A", parenttype=INVOICE, item="nut"),
        patch("o", 1, 2, parent="A", parenttype=INVOICE, item="nut"),
    ]
    site.commit(patches={ITEM: both})
    merge(place, site)
    asked = ask(place, "SELECT name, item, qty FROM sales_item ORDER BY name")
    assert asked == [{"name": "o", "item": None, "qty": 1}, {"name": "r", "item": "nut", "qty": 1}]


def test_a_night_on_which_all_is_as_known_changes_and_publishes_nothing(place: Place, tmp_path: Path) -> None:
    site = Site(tmp_path / "lake")
    site.commit(documents=[invoice("A", 1)], through=2)
    with place.writer() as mothership:
        mothership.merge(site.log, KeepAll())
        assert mothership.publish(force=True) == isinstance(place, DuckdbPlace)
        generation = mothership.query("SELECT generation FROM federation_meta").read_all()
        site.commit(seen={"A": 9}, through=2)
        report = mothership.merge(CommitLog(site.folder), KeepAll())
        assert (report.merged, report.failed) == ((), {})
        assert report.cursor == 6
        assert mothership.query("SELECT generation FROM federation_meta").read_all() == generation
        assert not mothership.publish(force=True)


def test_the_newest_alias_of_a_name_stands_whatever_came_first(place: Place, tmp_path: Path) -> None:
    site = Site(tmp_path / "lake")
    site.commit(documents=[invoice("c", 1)])
    site.commit(aliases=[("a", "b", 5), ("b", "c", 6)])
    site.commit(aliases=[("a", "x", 4), ("b", "y", 7)])
    merge(place, site)
    merge(place, site)
    asked = ask(place, "SELECT doctype, old_name, new_name, observed FROM federation_alias ORDER BY old_name")
    assert asked == [
        {"doctype": INVOICE, "old_name": "a", "new_name": "b", "observed": naive(5)},
        {"doctype": INVOICE, "old_name": "b", "new_name": "y", "observed": naive(7)},
    ]


def test_freshness_tells_when_the_last_complete_comparison_began(place: Place, tmp_path: Path) -> None:
    site = Site(tmp_path / "lake")
    site.commit(documents=[invoice("A", 1)], compared=1)
    merge(place, site)
    assert ask(place, "SELECT compared_at FROM federation_freshness") == [{"compared_at": naive(1)}]
    site.commit(seen={"A": 9}, compared=8)
    merge(place, site)
    assert ask(place, "SELECT compared_at FROM federation_freshness") == [{"compared_at": naive(8)}]


@dataclass
class Model:
    """What the tables must hold: plain dictionaries, one commit after the other."""

    documents: dict[str, dict[str, object]] = field(default_factory=dict)
    items: dict[str, dict[str, dict[str, object]]] = field(default_factory=dict)

    def read(self, document: Document, without: set[str]) -> None:
        held = self.documents.get(document.name, {})
        kept = {name: held[name] for name in ("customer", "total") if name in without and name in held}
        observed = naive(document.tick)
        self.documents[document.name] = {"observed": observed, **document.values, **kept}
        rows = self.items.get(document.name, {})
        self.items[document.name] = {
            str(row["name"]): {
                **row,
                "observed": observed,
                **({"qty": rows.get(str(row["name"]), {}).get("qty")} if "qty" in without else {}),
            }
            for row in document.children.get(ITEM, ())
        }

    def lose(self, name: str) -> None:
        self.documents.pop(name, None)
        self.items.pop(name, None)

    def patch(self, held: dict[str, object] | None, row: dict[str, object], column: str) -> None:
        if held and held["modified"] == row["modified"] and held["observed"] <= row["observed"]:  # type: ignore[operator]
            held[column] = row[column]


Draw = st.DataObject
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]
NAMES = st.lists(st.sampled_from("ABC"), unique=True, min_size=1)


def read_rows(data: Draw, site: Site, model: Model, tick: int) -> None:
    without = set(data.draw(st.sampled_from([[], ["customer"], ["qty"], ["customer", "qty"]])))
    documents = []
    for name in data.draw(NAMES):
        modified = naive(data.draw(st.integers(1, 2)))
        row = {"name": f"{name}-row", "modified": modified, **({} if "qty" in without else {"qty": tick})}
        values = {} if "customer" in without else {"customer": f"read at {tick}"}
        rows = [row] if data.draw(st.booleans()) else []
        documents.append(Document(name, tick, {"modified": modified, **values}, {ITEM: rows}))
    site.commit(documents=documents, without=sorted(without))
    for document in documents:
        model.read(document, without)


def find_absent(data: Draw, site: Site, model: Model, tick: int) -> None:
    names = data.draw(NAMES)
    site.commit(gone=dict.fromkeys(names, tick))
    for name in names:
        model.lose(name)


def find_as_known(data: Draw, site: Site, model: Model, tick: int) -> None:
    site.commit(seen=dict.fromkeys(data.draw(NAMES), tick))


def patch_documents(data: Draw, site: Site, model: Model, tick: int) -> None:
    patches = []
    for name in data.draw(NAMES):
        made = patch(name, data.draw(st.integers(1, 2)), late(data, tick), customer=f"patched at {tick}")
        model.patch(model.documents.get(name), made, "customer")
        patches.append(made)
    site.commit(patches={INVOICE: patches})


def patch_items(data: Draw, site: Site, model: Model, tick: int) -> None:
    patches = []
    for name in data.draw(NAMES):
        made = patch(f"{name}-row", data.draw(st.integers(1, 2)), late(data, tick), parent=name, qty=-tick)
        model.patch(model.items.get(name, {}).get(f"{name}-row"), made, "qty")
        patches.append({**made, "parenttype": INVOICE})
    site.commit(patches={ITEM: patches})


def late(data: Draw, tick: int) -> int:
    return data.draw(st.integers(max(1, tick - 25), tick))


@settings(max_examples=30, deadline=None, suppress_health_check=SLOW)
@given(data=st.data())
def test_current_and_the_mothership_and_a_plain_model_agree(place: Place, data: Draw) -> None:
    """Rows, absences, patches late or in time, and documents found as known; merged and compacted now or later."""
    model = Model()
    with tempfile.TemporaryDirectory() as folder, place.emptied(tables_stay=True):
        site = Site(Path(folder, "lake"))
        contract = contract_of(INVOICE, [site.schema], keeps=KeepAll().keeps, hashes=KeepAll().hashes)
        assert contract is not None
        for number in range(1, data.draw(st.integers(1, 8)) + 1):
            changes = [read_rows, read_rows, find_absent, find_as_known, patch_documents, patch_items]
            data.draw(st.sampled_from(changes))(data, site, model, 10 * number)
            if data.draw(st.booleans(), label="merge"):
                merge(place, site)
            if data.draw(st.booleans(), label="compact"):
                compact(site.folder, CommitLog(site.folder), contract)
        (report,) = merge(place, site)
        assert report.failed == {}
        current = compact(site.folder, CommitLog(site.folder), contract)
        rows = {
            one.table: pq.read_table(pa.BufferReader(site.folder.read(one.path))).to_pylist()
            for one in current.files
            if one.kind == "rows"
        }
        made = [row["table_name"] for row in ask(place, "SELECT table_name FROM federation_table")]
        for doctype, table, column, expected in (
            (INVOICE, "sales_invoice", "customer", model.documents),
            (ITEM, "sales_item", "qty", {row: held for items in model.items.values() for row, held in items.items()}),
        ):
            wanted = {name: (held["observed"], held.get(column)) for name, held in expected.items()}
            merged = ask(place, f"SELECT * FROM {table}") if table in made else []
            assert {row["name"]: (row["observed"], row[column]) for row in merged} == wanted
            assert {row["name"]: (row["observed"], row.get(column)) for row in rows.get(doctype, [])} == wanted
