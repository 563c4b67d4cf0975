"""Decode: how many rows one core turns from the bytes of list pages into a package on the lake.

200,000 GL Entries in pages of 5,000: rows recorded from a real site, varied, with every column that its metadata names,
as the arrays that the connector asks for. The ceiling is the same core only parsing the same JSON into Python objects.

python -m benchmarks.decode
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.figure import Figure, show
from connectors.frappe import WirePage
from connectors.frappe.metadata import decode_metas
from connectors.frappe.pages import decode_arrays
from federation.conform.page import conform_page
from federation.conform.reading import TableReading, table_reading
from federation.contract.satellite_schema import SatelliteSchema
from federation.contract.union import contract_of
from federation.lake.packages import PackageWriter
from federation.lake.place import LakePlace
from federation.lake.storage import open_lake
from federation.policy.rules import SatellitePolicy

DOCTYPE = "GL Entry"
ROWS = 200_000
PAGE_ROWS = 5_000
WANTED = 60_000
"""Rows per CPU second for decode, conform and package together; two busy connections bring about 31,000."""
RECORDINGS = Path(__file__).parents[1] / "tests" / "recordings" / "v15"


def recorded_schema() -> SatelliteSchema:
    """What the recorded site says of its GL Entries."""
    recording = json.loads((RECORDINGS / "meta" / "north.GL_Entry.json").read_text(encoding="utf-8"))
    metas = decode_metas(json.dumps(recording["response"]["body"]).encode(), DOCTYPE)
    return SatelliteSchema("north").absorb(metas, read_at="", fingerprints={})


def recorded_reading() -> TableReading:
    """How the recorded site's GL Entries are read."""
    schema = recorded_schema()
    contract = contract_of(DOCTYPE, [schema], keeps=lambda *_: True, hashes=lambda *_: False)
    assert contract is not None
    return table_reading("north", "Asia/Kolkata", schema.doctypes[DOCTYPE], contract.parent, SatellitePolicy((), ()))


def rendered_pages(reading: TableReading, rows: int) -> Iterator[bytes]:
    """Bodies of list answers, as a site with `rows` GL Entries would send them."""
    recording = json.loads((RECORDINGS / "samples" / "06.json").read_text(encoding="utf-8"))
    recorded: list[dict[str, Any]] = recording["response"]["body"]["data"]
    fields = reading.wire.fields
    random = Random(20261123)
    for start in range(0, rows, PAGE_ROWS):
        page = []
        for number in range(start, min(start + PAGE_ROWS, rows)):
            row = _varied(recorded[number % len(recorded)], number, random)
            page.append([row[field] for field in fields])
        yield json.dumps({"data": page}).encode()


def _varied(row: dict[str, Any], number: int, random: Random) -> dict[str, Any]:
    """Every tenth entry is in a foreign currency, so that its rates and amounts have more decimals than money has."""
    posted = datetime(2024, 4, 1) + timedelta(days=random.randrange(960))  # noqa: DTZ001 - a site's local date
    saved = posted + timedelta(microseconds=random.randrange(86_400_000_000))
    amount = round(random.lognormvariate(7, 2), 2)
    foreign = number % 10 == 0
    rate = round(random.uniform(0.01, 99), 9) if foreign else row["transaction_exchange_rate"]
    side = "debit" if number % 2 else "credit"
    return row | {
        "name": f"ACC-GLE-2026-{number:07}",
        "creation": str(saved),
        "modified": str(saved + timedelta(seconds=number % 97)),
        "posting_date": str(posted.date()),
        "account": f"{row['account']} {random.randrange(300)}",
        "party": f"مؤسسة North {random.randrange(5_000)}" if number % 3 else None,
        "voucher_no": f"ACC-SINV-2026-{number // 4:06}",
        "voucher_detail_no": f"{random.getrandbits(40):010x}",
        "transaction_exchange_rate": rate,
        side: amount,
        f"{side}_in_account_currency": amount,
        f"{side}_in_transaction_currency": round(amount * rate, 9) if foreign else amount,
        "remarks": f"Amount INR {amount} received against invoice {number // 4} per Überweisung",
    }


def figures() -> Iterator[Figure]:
    """Parse all pages for the ceilings, then turn them into a package, leg by leg."""
    reading = recorded_reading()
    pages = list(rendered_pages(reading, ROWS))
    columns = len(reading.fields)
    ceiling = _rate(_seconds(pages, json.loads))
    yield Figure(f"json.loads of {columns} columns, {sum(map(len, pages)) / ROWS:.0f} bytes a row", ceiling)
    seconds = _packaged(pages, reading)
    for leg, spent in seconds.items():
        yield Figure(leg, _rate(spent), f"json.loads alone: {ceiling}")
    whole = sum(seconds.values())
    yield Figure(
        "decode, conform and package together",
        _rate(whole),
        f"json.loads alone: {ceiling}",
        f"≥ {WANTED:,}",
        ROWS / whole >= WANTED,
    )


def _packaged(pages: list[bytes], reading: TableReading) -> dict[str, float]:
    """Return the CPU seconds of each leg, all threads together."""
    seconds = dict.fromkeys(("decode", "conform", "package"), 0.0)

    @contextmanager
    def leg(name: str) -> Iterator[None]:
        started = time.process_time()
        yield
        seconds[name] += time.process_time() - started

    with tempfile.TemporaryDirectory() as lake:
        writer = PackageWriter(
            open_lake(LakePlace(lake), "north"), "run", DOCTYPE, batch=1, walk="benchmark", tables=[DOCTYPE]
        )
        for body in pages:
            with leg("decode"):
                page = decoded(body, reading)
            with leg("conform"):
                conformed = conform_page(page, reading)
            with leg("package"):
                writer.append({DOCTYPE: conformed.table})
            if conformed.misfits:
                raise AssertionError(f"recorded values don't fit: {conformed.misfits[:3]}")
        with leg("package"):
            package = writer.finish()
    if package is None or package.documents != ROWS:
        raise AssertionError(f"not all rows came: {package}")
    return seconds


def decoded(body: bytes, reading: TableReading) -> WirePage:
    """Return the body of a list answer as the connector hands it on."""
    wire = reading.wire
    rows = decode_arrays(body, wire.kinds)
    return WirePage(wire.doctype, wire.fields, rows.columns, rows.count, datetime.now(UTC), len(body))


def _seconds(pages: list[bytes], parse: Callable[[bytes], object]) -> float:
    started = time.process_time()
    for body in pages:
        parse(body)
    return time.process_time() - started


def _rate(seconds: float) -> str:
    return f"{ROWS / seconds:,.0f} rows/CPU s"


if __name__ == "__main__":
    show("Decode", figures())
