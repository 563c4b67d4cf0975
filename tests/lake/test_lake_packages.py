from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from lake_world import (
    ITEM,
    TABLES,
    TAX,
    VOUCHER,
    Document,
    Gone,
    Refused,
    World,
    assert_whole,
    at,
    naive,
    read_table,
    rows_of,
)

from federation.contract.names import slug
from federation.lake.manifest import FileKind, Package
from federation.lake.storage import LakeFolder
from federation.lake.table_file import BUFFER_BYTES, ROW_GROUP_ROWS

ONE = Document("V-1", 5, {"title": "one"}, {ITEM: [{"name": "i1", "qty": 1}, {"name": "i2", "qty": 2}]})
TWO = Document("V-2", 7, {"title": "two"}, {ITEM: [{"name": "i3", "qty": 3}]})


def files(package: Package | None) -> dict[tuple[FileKind, str], int]:
    assert package is not None
    return {(file.kind, file.table): file.rows for file in package.files}


def test_a_package_tells_what_is_in_it(world: World) -> None:
    package = world.package(ONE, TWO, Gone("V-3", 9), Refused("V-4", 2, cells=3))
    assert package is not None
    assert files(package) == {
        ("rows", VOUCHER): 2,
        ("rows", ITEM): 3,
        ("rows", TAX): 0,
        ("tombstones", VOUCHER): 1,
        ("quarantine", VOUCHER): 3,
    }
    assert (package.documents, package.tombstones, package.quarantined) == (2, 1, 1)
    assert (package.observed_from, package.observed_to) == (at(2), at(9))
    assert package.id == f"{world.run.run_id}/{slug(VOUCHER)}/000001"
    assert_whole(world.folder, [world.run.commit(packages=[package])])


def test_rows_arrive_as_they_were_appended(world: World) -> None:
    writer = world.writer()
    for document in (ONE, TWO):
        writer.append({table: rows_of(world.contract, table, [document], None) for table in TABLES})
    package = writer.finish()
    assert package is not None
    for file in package.files:
        assert read_table(world.folder, file.path) == rows_of(world.contract, file.table, [ONE, TWO], None)


def test_a_batch_is_measured_with_all_its_rows(world: World) -> None:
    writer = world.writer()
    writer.append({table: rows_of(world.contract, table, [ONE, TWO], None) for table in TABLES})
    writer.add_tombstones(["V-8", "V-9"], at(9))
    assert writer.rows == 7


def test_nothing_makes_no_package_and_no_file(world: World) -> None:
    assert world.package() is None
    assert world.folder.files("runs") == []


def test_a_package_without_documents_covers_no_table(world: World) -> None:
    assert files(world.package(Gone("V-3", 9), Refused("V-4", 2))) == {
        ("tombstones", VOUCHER): 1,
        ("quarantine", VOUCHER): 1,
    }


def test_a_table_that_was_not_read_has_no_file(world: World) -> None:
    assert files(world.package(TWO, tables=(VOUCHER, ITEM))) == {("rows", VOUCHER): 1, ("rows", ITEM): 1}


def test_a_page_that_lacks_or_brings_a_column_needs_another_package(world: World) -> None:
    def page(columns: list[str]) -> dict[str, pa.Table]:
        return {VOUCHER: rows_of(world.contract, VOUCHER, [ONE], columns)}

    writer = world.writer(tables=[VOUCHER])
    writer.append(page(["title"]))
    assert writer.fits(page(["title"]))
    assert not writer.fits(page([]))
    assert not writer.fits(page(["title", "amount"]))
    with pytest.raises(ValueError, match="another package"):
        writer.append(page(["title", "amount"]))


def test_a_page_without_rows_fits_whatever_its_columns(world: World) -> None:
    def page(items: list[Document], columns: list[str]) -> dict[str, pa.Table]:
        return {
            VOUCHER: rows_of(world.contract, VOUCHER, [ONE], None),
            ITEM: rows_of(world.contract, ITEM, items, columns),
        }

    writer = world.writer(tables=[VOUCHER, ITEM])
    for items, columns in (([], ["qty", "item"]), ([ONE], ["qty"]), ([], ["qty", "item"])):
        assert writer.fits(page(items, columns))
        writer.append(page(items, columns))
    package = writer.finish()
    assert files(package) == {("rows", VOUCHER): 3, ("rows", ITEM): 2}
    assert package is not None
    assert read_table(world.folder, package.files[1].path).column_names == [
        "satellite",
        "name",
        "observed",
        "parent",
        "qty",
    ]


def test_documents_without_their_child_tables_are_refused(world: World) -> None:
    with pytest.raises(ValueError, match="another package"):
        world.writer().append({VOUCHER: rows_of(world.contract, VOUCHER, [ONE], None)})


def test_an_aborted_package_leaves_nothing(world: World) -> None:
    writer = world.writer()
    writer.append({table: rows_of(world.contract, table, [ONE, TWO], None) for table in TABLES})
    writer.add_tombstones(["V-9"], at(9))
    writer.abort()
    assert world.folder.files("runs") == []
    assert writer.finish() is None


def wide(rows: int, cell_bytes: int, seed: int) -> pa.Table:
    text = np.random.default_rng(seed).bytes(rows * cell_bytes).hex()
    cells = [text[index * cell_bytes : (index + 1) * cell_bytes] for index in range(rows)]
    names = [f"{seed:06d}-{index:06d}" for index in range(rows)]
    instants = pa.repeat(pa.scalar(at(seed).replace(tzinfo=None), pa.timestamp("us")), rows)
    return pa.table({"name": names, "observed": instants, "text": cells})


def row_groups(folder: LakeFolder, package: Package | None) -> list[int]:
    assert package is not None
    (file,) = package.files
    metadata = pq.read_metadata(pa.BufferReader(folder.read(file.path)))
    return [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)]


def test_many_small_pages_make_few_large_row_groups(world: World) -> None:
    writer = world.writer(tables=[VOUCHER])
    for seed in range(1, 101):
        writer.append({VOUCHER: wide(2_000, 8, seed)})
    groups = row_groups(world.folder, writer.finish())
    assert sum(groups) == 200_000
    assert min(groups[:-1]) >= ROW_GROUP_ROWS


def test_memory_is_bounded_by_bytes_where_rows_are_wide(world: World) -> None:
    writer = world.writer(tables=[VOUCHER])
    before = pa.total_allocated_bytes()
    most = 0
    for seed in range(1, 31):
        writer.append({VOUCHER: wide(200, 20_000, seed)})
        most = max(most, pa.total_allocated_bytes() - before)
    assert most < 3 * BUFFER_BYTES
    assert len(row_groups(world.folder, writer.finish())) > 2


def test_documents_found_as_known_and_former_names_make_a_package_without_documents(world: World) -> None:
    writer = world.writer()
    writer.add_seen(pa.array(["V-1", "V-2"]), at(3))
    writer.add_seen(pa.array([], pa.string()), at(9))
    package = writer.finish()
    assert package is not None
    assert [(file.kind, file.rows) for file in package.files] == [("seen", 2)]
    assert (package.documents, package.is_news, package.observed_from, package.observed_to) == (0, False, at(3), at(3))
    renaming = world.writer()
    renaming.add_aliases(pa.table({"old_name": ["a"], "new_name": ["b"], "observed": pa.array([naive(4)])}))
    renamed = renaming.finish()
    assert renamed is not None
    assert [(file.kind, file.rows) for file in renamed.files] == [("aliases", 1)]
    assert (renamed.is_news, renamed.observed_to) == (True, at(4))


def test_patches_and_whole_documents_never_share_a_package(world: World) -> None:
    writer = world.writer()
    writer.add_tombstones(["V-1"], at(1))
    rows = pa.table({"name": ["V-1"], "observed": pa.array([naive(1)]), "modified": pa.array([naive(1)])})
    with pytest.raises(ValueError, match="same package"):
        writer.add_patch(VOUCHER, rows)
    writer.abort()
