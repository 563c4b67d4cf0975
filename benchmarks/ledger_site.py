"""Ledger site: a simulated satellite with nothing but GL Entries, as many as wanted, in a process of its own."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import requests

from federation.demo.site.permissions import SiteUser, add_user
from federation.demo.site.store import SiteStore
from federation.demo.world.doctypes import doctypes

NAME = "ledger"
KEY = SECRET = "benchmark"
_CHUNK = 50_000
_FIRST = datetime(2024, 1, 1)  # noqa: DTZ001 - the site's local time
_EMPTY: dict[str, object] = {"Check": 0, "Int": 0, "Currency": 0.0, "Float": 0.0, "Percent": 0.0}


def add_ledger(path: Path, *, first: int, rows: int) -> None:
    """Give the site at `path` so many more GL Entries, 39 columns each, changed one every 25 ms; some share a stamp."""
    is_new = not path.exists()
    store = SiteStore(path)
    try:
        if is_new:
            store.create_doctype(doctypes()["GL Entry"])
            store.set_single("System Settings", {"time_zone": "Asia/Kolkata"})
            add_user(store, SiteUser("benchmark@example.com", reads=("*",)), api_key=KEY, api_secret=SECRET)
        columns = store.meta("GL Entry").columns
        for start in range(first, first + rows, _CHUNK):
            numbers = range(start, min(start + _CHUNK, first + rows))
            store.insert_rows("GL Entry", list(columns), (_row(columns, number) for number in numbers))
    finally:
        store.close()


def _row(columns: Mapping[str, str], number: int) -> tuple[object, ...]:
    stamp = (_FIRST + timedelta(milliseconds=25 * (number - number % 3))).isoformat(sep=" ")
    amount = float(number % 99_991) + (number % 100) / 100
    cells: dict[str, object] = {
        "name": f"ACC-GLE-2026-{number:08d}",
        "owner": "clerk@example.com",
        "creation": stamp,
        "modified": stamp,
        "modified_by": "clerk@example.com",
        "docstatus": 1,
        "idx": 0,
        "posting_date": f"2026-{number % 12 + 1:02d}-{number % 28 + 1:02d}",
        "account": f"Account {number % 97} - NT",
        "cost_center": "Main - NT",
        "debit": amount,
        "credit": 0.0,
        "debit_in_account_currency": amount,
        "credit_in_account_currency": 0.0,
        "account_currency": "INR",
        "against": f"Customer {number % 5_003}",
        "voucher_type": "Sales Invoice",
        "voucher_no": f"ACC-SINV-2026-{number // 4:07d}",
        "company": "North Traders Pvt Ltd",
        "fiscal_year": "2026-2027",
        "is_cancelled": 0,
        "to_rename": 0,
        "remarks": f"Against invoice {number // 4} of the month, as agreed by telephone",
    }
    return tuple(cells.get(column, _EMPTY.get(fieldtype)) for column, fieldtype in columns.items())


@contextmanager
def serving(path: Path, *, rows_per_second: float | None = None) -> Iterator[str]:
    """Serve the site in a process of its own, as slowly as wanted; yield its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    slow = [] if rows_per_second is None else ["--rows-per-second", str(rows_per_second)]
    server = subprocess.Popen([sys.executable, "-m", "federation.demo.serve", str(path), str(port), *slow])
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                requests.get(f"{url}/api/method/ping", timeout=1)
                break
            except requests.RequestException:
                time.sleep(0.1)
        yield url
    finally:
        server.terminate()
        server.wait()


def settings_text(url: str, *, validation: bool, doctypes: Sequence[str] = ("GL Entry",), mothership: str = "") -> str:
    """Settings that bring the site together, beside the files of the benchmark.

    Args:
        url: of the site.
        validation: whether pages are checked by the suites.
        doctypes: what is brought together.
        mothership: the section of that name; "" for a DuckDB file.
    """
    return (
        f"doctypes: [{', '.join(doctypes)}]\nvalidation: {str(validation).lower()}\n{mothership}"
        f"satellites:\n  {NAME}:\n    url: {url}\n    credentials: env:LEDGER\n    time_zone: Asia/Kolkata\n"
    )
