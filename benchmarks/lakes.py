"""Lakes: packages as runs leave them, made without a site: a ledger and its later states, and invoices with items."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import duckdb
import numpy as np
import pyarrow as pa

from connectors.frappe.metadata import decode_metas
from federation.contract.columns import Column, Contract, TableContract
from federation.contract.satellite_schema import SatelliteSchema
from federation.contract.union import contract_of
from federation.demo.world.doctypes import doctypes
from federation.lake.log import CommitLog
from federation.lake.manifest import CompletedWalk, DocTypeState
from federation.lake.place import LakePlace
from federation.lake.run import LakeRun, new_run_id
from federation.lake.storage import open_lake

SATELLITE: Final = "north"
LEDGER: Final = "GL Entry"
INVOICE: Final = "Sales Invoice"
ITEM: Final = "Sales Invoice Item"
ROWS: Final = 1_000_000
"""Of the ledger."""
FIRST: Final = "first"
"""The walk that a table's first rows come with."""

_BATCH: Final = 250_000
_PAGE: Final = 50_000
_START: Final = datetime(2026, 1, 1, tzinfo=UTC)
# How many values a field has; 0: nearly all differ.
_LEDGER_VALUES: Final = {
    "posting_date": 730, "transaction_date": 730, "due_date": 730, "account": 300, "party_type": 2, "party": 5_000,
    "cost_center": 30, "debit": 0, "credit": 0, "account_currency": 4, "debit_in_account_currency": 0,
    "credit_in_account_currency": 0, "against": 5_000, "against_voucher_type": 5, "against_voucher": 0,
    "voucher_type": 8, "voucher_subtype": 8, "voucher_no": 0, "voucher_detail_no": 0, "project": 100, "remarks": 0,
    "is_opening": 2, "is_advance": 2, "fiscal_year": 6, "company": 3, "finance_book": 2, "to_rename": 2,
    "is_cancelled": 2, "transaction_currency": 4, "transaction_exchange_rate": 50,
    "debit_in_transaction_currency": 0, "credit_in_transaction_currency": 0,
}  # fmt: skip
_VALUES_OF_LINKS: Final = {"Company": 3, "Currency": 4, "Customer": 5_000, "Item": 3_000, "Account": 300}
_VALUES: Final = {"Link": 50, "Select": 5, "Date": 730, "Time": 5_000}
_TEXTS: Final = {
    "Text Editor": '<div class="ql-editor read-mode"><p>{} {:08}, as agreed by telephone with the office</p></div>',
    "Small Text": "{} {:08}, as agreed by telephone",
}
_ITEMS_OF_INVOICE: Final = 10


class KeepAll:
    """The policy of those who hold nothing back."""

    def keeps(self, *_: object) -> bool:
        return True

    def hashes(self, *_: object) -> bool:
        return False

    def treatment(self, *_: object) -> str:
        return ""

    def masks(self, *_: object) -> bool:
        return False


class _UntilLog(CommitLog):
    """A log as it was when a run ended."""

    last = 0

    def _seqs(self) -> list[int]:
        return [seq for seq in super()._seqs() if seq <= self.last]


def log_until(lake: Path, walk: str) -> CommitLog:
    """Return the log as it was when a walk had ended."""
    log = _UntilLog(open_lake(LakePlace(str(lake)), SATELLITE))
    manifests = CommitLog(log.folder).read()
    log.last = next(manifest.seq for manifest in manifests if any(one.id == walk for one in manifest.completed)) + 1
    return log


def files_of(lake: Path, walk: str, doctype: str = LEDGER) -> list[str]:
    """Return the Parquet files with the rows of a table that a walk brought."""
    log = CommitLog(open_lake(LakePlace(str(lake)), SATELLITE))
    return [
        log.folder.uri(file.path)
        for manifest in log.read()
        for package in manifest.packages
        if package.walk == walk
        for file in package.files
        if file.table == doctype
    ]


def ledger() -> Contract:
    """Return the contract of GL Entry: 43 columns, as ERPNext 15 has them."""
    return _contract(LEDGER)


def write_ledger(lake: Path) -> None:
    """Write all rows of the ledger in their first state."""
    random = np.random.default_rng(1)
    _write(lake, LEDGER, FIRST, _ledger_pages(np.arange(ROWS), 0, random))


def write_other_states(lake: Path, walk: str, hours: int) -> None:
    """Write a tenth of the ledger's rows so many hours later, with another value in nearly every column."""
    random = np.random.default_rng(1 + hours)
    numbers = np.sort(random.choice(ROWS, ROWS // 10, replace=False))
    _write(lake, LEDGER, walk, _ledger_pages(numbers, hours, random))


def write_later_states(lake: Path, walk: str, hours: int) -> None:
    """Write a tenth of the ledger's rows so many hours later, as users change them.

    Some are cancelled, some amounts corrected; the accounts, parties and vouchers that rows are found by stay.
    """
    schema = ledger().parent.schema
    changed = duckdb.execute(
        "SELECT * REPLACE (observed + to_hours($hours) AS observed, modified + to_hours($hours) AS modified, "
        "modified_utc + to_hours($hours) AS modified_utc, remarks || ', corrected' AS remarks, "
        "CASE WHEN hash(name) % 3 = 0 THEN 1 ELSE is_cancelled END AS is_cancelled, "
        "CASE WHEN hash(name) % 7 = 0 THEN debit + 1 ELSE debit END AS debit) "
        "FROM read_parquet($files) WHERE hash(name || $walk) % 10 = 0",
        {"files": files_of(lake, FIRST), "hours": hours, "walk": walk},
    ).to_arrow_table()
    pages = changed.cast(schema).combine_chunks().to_batches(max_chunksize=_PAGE)
    _write(lake, LEDGER, walk, ({LEDGER: pa.Table.from_batches([page])} for page in pages))


def write_invoices(lake: Path, invoices: int) -> None:
    """Write Sales Invoices, each with ten items."""
    _write(lake, INVOICE, FIRST, _invoice_pages(invoices))


def _contract(doctype: str) -> Contract:
    contract = contract_of(doctype, [_schema(doctype)], keeps=KeepAll().keeps, hashes=KeepAll().hashes)
    assert contract is not None
    return contract


def _schema(doctype: str) -> SatelliteSchema:
    known = doctypes()
    tables = [doctype, *(field["options"] for field in known[doctype]["fields"] if field["fieldtype"] == "Table")]
    answer = json.dumps({"docs": [known[table] for table in tables]}).encode()
    return SatelliteSchema(SATELLITE).absorb(decode_metas(answer, doctype), read_at="", fingerprints={})


def _write(lake: Path, doctype: str, walk: str, pages: Iterable[Mapping[str, pa.Table]]) -> None:
    """Write one walk in one run, in packages as large as those of a sync."""
    run = LakeRun.open(open_lake(LakePlace(str(lake)), SATELLITE), "rest", new_run_id(_START), now=lambda: _START)
    run.describe(_schema(doctype))
    tables = [table.doctype for table in _contract(doctype).tables]
    empty = {table.doctype: table.schema.empty_table() for table in _contract(doctype).tables}
    packages = []
    package = run.package(doctype, batch=0, walk=walk, tables=tables)
    for page in pages:
        if package.rows >= _BATCH:
            packages.append(package.finish())
            package = run.package(doctype, batch=len(packages), walk=walk, tables=tables)
        package.append({**empty, **page})
    packages.append(package.finish())
    ended = CompletedWalk(walk, doctype, "changes", _START)
    run.commit(filter(None, packages), [ended], {doctype: DocTypeState(through=_START)})
    run.close()


def _ledger_pages(numbers: np.ndarray, hours: int, random: np.random.Generator) -> Iterator[dict[str, pa.Table]]:
    table = ledger().parent
    for start in range(0, len(numbers), _PAGE):
        page = numbers[start : start + _PAGE]
        observed = _START + timedelta(hours=hours, seconds=start // _BATCH)
        yield {LEDGER: _rows(table, page, observed, random, _LEDGER_VALUES)}


def _invoice_pages(invoices: int) -> Iterator[dict[str, pa.Table]]:
    contract = _contract(INVOICE)
    random = np.random.default_rng(1)
    for start in range(0, invoices, _PAGE // _ITEMS_OF_INVOICE):
        numbers = np.arange(start, min(start + _PAGE // _ITEMS_OF_INVOICE, invoices))
        parents = _rows(contract.parent, numbers, _START, random, {})
        lines = np.arange(len(numbers) * _ITEMS_OF_INVOICE)
        items = _rows(contract.children[ITEM], start * _ITEMS_OF_INVOICE + lines, _START, random, {})
        given = {
            "parent": parents["name"].take(pa.array(lines // _ITEMS_OF_INVOICE)),
            "parenttype": pa.repeat(INVOICE, len(lines)),
            "parentfield": pa.repeat("items", len(lines)),
            "idx": pa.array(lines % _ITEMS_OF_INVOICE + 1),
        }
        for name, values in given.items():
            items = items.set_column(items.schema.get_field_index(name), items.field(name), values)
        yield {INVOICE: parents, ITEM: items}


def _rows(
    table: TableContract,
    numbers: np.ndarray,
    observed: datetime,
    random: np.random.Generator,
    values: Mapping[str, int],
) -> pa.Table:
    """Return rows with these numbers: their names lie as far apart as hashes do."""
    given = {
        "satellite": pa.repeat(SATELLITE, len(numbers)),
        "name": pa.array([f"{number * 2_654_435_761 % 2**40:010x}" for number in numbers.tolist()]),
        "observed": pa.repeat(pa.scalar(observed.replace(tzinfo=None), pa.timestamp("us")), len(numbers)),
    }
    columns = [
        given[column.name] if column.name in given else _cells(column, numbers, random, _many(column, values))
        for column in table.columns
    ]
    return pa.table(columns, schema=table.schema)


def _many(column: Column, values: Mapping[str, int]) -> int:
    of_links = _VALUES_OF_LINKS.get(column.options) if column.fieldtype == "Link" else None
    return values.get(column.name) or of_links or _VALUES.get(column.fieldtype, 0)


def _cells(column: Column, numbers: np.ndarray, random: np.random.Generator, many: int) -> pa.Array:
    rows = len(numbers)
    chosen = random.integers(0, many or rows, rows)
    if pa.types.is_timestamp(column.type):
        return pa.array(1_700_000_000_000_000 + numbers * 1_000_003).cast(column.type)
    if pa.types.is_time(column.type):
        return pa.array(chosen * 7_000_000).cast(column.type)
    if pa.types.is_date32(column.type):
        return pa.array((19_000 + chosen).astype(np.int32)).cast(column.type)
    if pa.types.is_decimal(column.type):
        cents = np.where(chosen % 2, 0, random.integers(0, 10_000_000, rows))
        return pa.array(cents).cast(pa.decimal128(19, 0)).cast(column.type)
    if pa.types.is_integer(column.type):
        return pa.array(chosen % 2).cast(column.type)
    pattern = _TEXTS.get(column.fieldtype, "{} {:08}")
    texts = pa.array([pattern.format(column.name, number) for number in range(min(many or rows, rows))])
    return texts.take(pa.array(chosen % len(texts)))
