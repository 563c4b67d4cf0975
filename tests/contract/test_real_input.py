"""Real input: every value that two real sites sent stands in the lake and in the mothership as it was sent.

Rows and metadata recorded from Frappe 15 go over HTTP through the connector, the contract, conforming, the lake and the
merge into the published DuckDB file, and are read back cell by cell.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from recorded import recorded_metas
from recorded_site import Row, recorded_rows, recorded_site

from connectors.frappe import read_changes, read_metas
from federation.contract.names import column_name
from federation.contract.satellite_schema import SatelliteSchema
from federation.extract.documents import document_reading, make_whole
from federation.lake.log import CommitLog
from federation.lake.manifest import CompletedWalk, DocTypeState
from federation.lake.place import LakePlace
from federation.lake.run import LakeRun
from federation.lake.storage import LakeFolder, open_lake
from federation.mothership.duckdb.mothership import DuckdbMothership
from federation.policy.fleet import FleetPolicy
from federation.settings.load import load_settings

ZONES = {"north": "Asia/Kolkata", "south": "Europe/Berlin"}
SETTINGS = """
doctypes: ["*"]
satellites:
  north: {url: 'https://north.test', credentials: env:NORTH}
  south: {url: 'https://south.test', credentials: env:SOUTH}
policy:
  - {fieldtype: "Attach*", action: keep}
  - {fieldtype: Signature, action: keep}
"""
STANDARD = {
    "name": "Data", "owner": "Link", "creation": "Datetime", "modified": "Datetime", "modified_by": "Link",
    "docstatus": "Check", "idx": "Int", "parent": "Data", "parentfield": "Data", "parenttype": "Link",
}  # fmt: skip


def _time(text: str) -> time:
    hours, minutes, seconds = text.split(":")
    whole, _, fraction = seconds.partition(".")
    return time(int(hours), int(minutes), int(whole), int(fraction.ljust(6, "0")))


MEANT: dict[str, Callable[[Any], object]] = {
    **dict.fromkeys(("Float", "Currency", "Percent", "Duration", "Rating"), lambda cell: Decimal(repr(cell))),
    **dict.fromkeys(("Int", "Check"), lambda cell: cell),
    "Date": date.fromisoformat,
    "Datetime": datetime.fromisoformat,
    "Time": _time,
}
"""What a cell of a fieldtype means, told without the code under test; all else is text."""


@dataclass
class Landed:
    """Where the recordings went."""

    lake: dict[str, LakeFolder] = field(default_factory=dict)
    logs: dict[str, CommitLog] = field(default_factory=dict)
    mothership: Path = Path()
    tables: dict[str, str] = field(default_factory=dict)


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Landed:
    folder = tmp_path_factory.mktemp("real")
    settings = folder / "federation.yaml"
    settings.write_text(SETTINGS)
    fleet = FleetPolicy(load_settings(settings))
    found = Landed(mothership=folder / "mothership.duckdb")
    for satellite in ZONES:
        found.lake[satellite] = open_lake(LakePlace(str(folder / "lake")), satellite)
        found.logs[satellite] = _extract(satellite, found.lake[satellite], fleet)
    with DuckdbMothership(found.mothership, who="the recordings") as mothership:
        for log in found.logs.values():
            assert mothership.merge(log, fleet).failed == {}
        mothership.publish(force=True)
        found.tables = mothership.tables()
    return found


def _extract(satellite: str, folder: LakeFolder, fleet: FleetPolicy) -> CommitLog:
    site = f"{satellite}.test"
    run = LakeRun.open(folder, "rest", f"recordings-{satellite}")
    with recorded_site(site) as session:
        schema = SatelliteSchema(satellite)
        for doctype in recorded_metas(site):
            schema = schema.absorb(read_metas(session, doctype), read_at="", fingerprints={})
        run.describe(schema)
        for doctype in sorted(recorded_rows(site).keys() & schema.doctypes.keys()):
            if schema.doctypes[doctype].is_child:
                continue
            reading = document_reading(satellite, doctype, schema, ZONES[satellite], fleet)
            tables = [table.table.doctype for table in (reading.parent, *reading.children)]
            writer = run.package(doctype, batch=1, walk=doctype, tables=tables)
            for page in read_changes(session, reading.parent.wire):
                whole = make_whole(session, reading, page, map, set())
                assert (whole.rejected, whole.pending, whole.strays) == ((), (), 0)
                writer.append(whole.tables)
            package = writer.finish()
            run.commit(
                packages=[package] if package else [],
                completed=[CompletedWalk(doctype, doctype, "changes", datetime.now(UTC))],
                states={doctype: DocTypeState(through=datetime.now(UTC))},
            )
    run.close()
    return run.log


def _fieldtypes(site: str, doctype: str) -> dict[str, str]:
    described = recorded_metas(site)[doctype]["fields"]
    return STANDARD | {
        each["fieldname"]: each["fieldtype"]
        for each in described
        if not each.get("is_virtual") and each.get("fieldname")
    }


def _compared(satellite: str, doctype: str, sent: Row, kept: Row) -> Counter[str]:
    """Compare one row, cell by cell, and count the cells by fieldtype."""
    site = f"{satellite}.test"
    seen: Counter[str] = Counter()
    fieldtypes = _fieldtypes(site, doctype)
    for fieldname, cell in sent.items():
        fieldtype = fieldtypes.get(fieldname)
        if fieldtype is None:  # computed on the site, or laid out in the form: only whole documents have it
            assert fieldname not in kept
            continue
        if fieldtype == "Password":
            assert column_name(fieldname) not in kept
            seen["Password, held back"] += 1
            continue
        meant = None if cell is None else MEANT.get(fieldtype, str)(cell)
        found = kept[column_name(fieldname)]
        assert found == meant, f"{satellite} {doctype} {sent['name']}.{fieldname}: {cell!r} became {found!r}"
        assert type(found) is type(meant), f"{satellite} {doctype} {sent['name']}.{fieldname}: {found!r}"
        seen["null" if cell is None else "empty text" if cell == "" else fieldtype] += 1
        if fieldtype == "Datetime" and isinstance(meant, datetime):
            instant = meant.replace(tzinfo=ZoneInfo(ZONES[satellite])).astimezone(UTC).replace(tzinfo=None)
            assert kept[f"{column_name(fieldname)}_utc"] == instant
            seen["Datetime in UTC"] += 1
    absent = {column_name(name) for name in fieldtypes if name not in sent} & kept.keys()
    assert all(kept[name] is None for name in absent)
    assert kept["satellite"] == satellite
    return seen


def _compare_all(landed: Landed, where: str, rows_of: Callable[[str, str], Iterable[Row]]) -> Counter[str]:
    seen: Counter[str] = Counter()
    rows = 0
    left_out: list[str] = []
    for satellite in ZONES:
        for doctype, sent in recorded_rows(f"{satellite}.test").items():
            if doctype not in landed.tables:
                left_out.append(f"{len(sent)} rows of {doctype}")
                continue
            kept = {row["name"]: row for row in rows_of(satellite, doctype)}
            assert kept.keys() == sent.keys(), f"{satellite} {doctype}"
            rows += len(sent)
            for name, row in sent.items():
                seen += _compared(satellite, doctype, row, kept[name])
    told = ", ".join(f"{count} {kind}" for kind, count in seen.most_common())
    sys.stdout.write(f"\n{where}: {seen.total()} values of {rows} real rows compared: {told}.\n")
    sys.stdout.write(f"Not compared, as their metadata wasn't recorded: {'; '.join(left_out)}.\n")
    return seen


def test_every_recorded_value_stands_in_the_lake_as_it_was_sent(landed: Landed):
    def rows_of(satellite: str, doctype: str) -> Iterable[Row]:
        folder = landed.lake[satellite]
        for package in (package for manifest in landed.logs[satellite].read() for package in manifest.packages):
            for file in package.files:
                if (file.table, file.kind) == (doctype, "rows"):
                    yield from pq.read_table(pa.BufferReader(folder.read(file.path))).to_pylist()

    seen = _compare_all(landed, "The lake", rows_of)
    assert seen.total() > 18_000


def test_every_recorded_value_stands_in_the_published_mothership_as_it_was_sent(landed: Landed):
    with duckdb.connect(str(landed.mothership), read_only=True) as connection:

        def rows_of(satellite: str, doctype: str) -> Iterable[Row]:
            found = connection.execute(f'SELECT * FROM "{landed.tables[doctype]}" WHERE satellite = ?', [satellite])
            columns = [column[0] for column in found.description]
            yield from (dict(zip(columns, row, strict=True)) for row in found.fetchall())

        seen = _compare_all(landed, "The published mothership", rows_of)
    assert seen.total() > 18_000
    assert {
        "Currency",
        "Float",
        "Date",
        "Datetime",
        "Time",
        "Check",
        "Int",
        "Long Text",
        "null",
        "empty text",
    } <= seen.keys()


def test_the_recordings_hold_what_is_hard(landed: Landed):
    """The comparison proves little unless the rows hold such values."""
    cells = [
        cell
        for satellite in ZONES
        for rows in recorded_rows(f"{satellite}.test").values()
        for row in rows.values()
        for cell in row.values()
    ]
    texts = [cell for cell in cells if isinstance(cell, str)]
    assert any("😀" in text for text in texts)
    assert any("\x01" in text for text in texts)
    assert any("مؤسسة" in text for text in texts)
    assert max(map(len, texts)) > 20_000
    assert any(isinstance(cell, float) and cell != round(cell, 4) for cell in cells)
