"""Delta: what a site is asked and gives for each changed document, against a poller that GETs them one by one.

Twenty DocTypes with child tables; between two syncs some documents are saved. The poller does what pollers commonly do:
it lists the names that were modified since it last asked, and GETs each document. Both read the same changes.

A delta lies in the overlap window of the next, larger one, so a tenth of ten or a hundred documents comes again, as
it does where ten minutes of an hourly run are read twice.

    python -m benchmarks.delta
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import requests

from benchmarks.counted_site import CountedSite, counted
from benchmarks.figure import Figure, show
from benchmarks.ledger_site import KEY, SECRET
from federation.demo.site.permissions import SiteUser, add_user
from federation.demo.site.store import SiteStore, quoted, table_of
from federation.demo.world.doctypes import doctypes
from federation.extract.outcome import Unwatched
from federation.extract.satellite import RunOptions, extract
from federation.settings.load import load_settings
from federation.settings.model import Settings

DOCTYPES = 20
DELTAS = (1, 10, 100, 10_000)
CHILD_ROWS = 3
TEMPLATE, CHILD_TEMPLATE = "Journal Entry", "Journal Entry Account"


def figures() -> Iterator[Figure]:
    """Change documents, let both read them, and compare what the site has counted."""
    names = [f"Voucher {number:02d}" for number in range(DOCTYPES)]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        os.environ["DELTA_API_KEY"], os.environ["DELTA_API_SECRET"] = KEY, SECRET
        store = SiteStore(folder / "site.sqlite")
        _fill(store, names, sum(DELTAS) // DOCTYPES + 1)
        with counted(folder / "site.sqlite") as site:
            settings = _settings(folder, site.url, names)
            _extract(settings)
            for number, changed in enumerate(DELTAS):
                since = _change(store, names, sum(DELTAS[:number]), changed)
                yield from _compare(site, settings, names, since, changed)
        store.close()


def _compare(site: CountedSite, settings: Settings, names: Sequence[str], since: str, changed: int) -> Iterator[Figure]:
    counts = [site.counts()]
    packaged = _extract(settings)
    counts.append(site.counts())
    polled = _poll(site.url, names, since)
    counts.append(site.counts())
    if (packaged, polled) != (changed, changed):
        raise AssertionError(f"{changed} documents were changed, {packaged} packaged and {polled} polled")
    ours, theirs = counts[1].since(counts[0]), counts[2].since(counts[1])
    documents = ours.of(*names, *(_child(name) for name in names))
    both, about, single = ours.of(), ours.of() - documents, theirs.of()
    yield Figure(
        f"{changed:,} changed of {DOCTYPES} DocTypes: requests",
        f"{both.requests:,}, {both.requests / changed:,.3f} each ({about.requests} about the site)",
        f"GET each: {single.requests:,}, {single.requests / both.requests:.2f} times",
    )
    yield Figure(
        "… rows that the site gave",
        f"{both.rows:,}, {both.rows / changed:,.2f} each ({about.rows} about the site)",
        f"GET each: {single.rows:,}, {single.rows / both.rows:.2f} times",
    )


def _child(name: str) -> str:
    return f"{name} Row"


def _fill(store: SiteStore, names: Sequence[str], documents: int) -> None:
    """Documents and child rows that were saved long ago."""
    store.set_single("System Settings", {"time_zone": "UTC"})
    user = SiteUser("delta@example.com", roles=("System Manager",), reads=("*",))
    add_user(store, user, api_key=KEY, api_secret=SECRET)
    heads = ("name", "owner", "modified_by", "docstatus", "idx", "creation", "modified")
    clerk = "clerk@example.com"
    stamps = [f"2025-01-01 12:00:00.{number + 1:06d}" for number in range(documents)]
    for name in names:
        _create(store, CHILD_TEMPLATE, _child(name), {})
        _create(store, TEMPLATE, name, {CHILD_TEMPLATE: _child(name)})
        parents = ((f"V-{number:05d}", clerk, clerk, 1, 0, stamp, stamp) for number, stamp in enumerate(stamps))
        store.insert_rows(name, heads, parents)
        children = (
            (f"{number:05d}-{row}", clerk, clerk, 1, row, stamp, stamp, f"V-{number:05d}", name, "accounts")
            for number, stamp in enumerate(stamps)
            for row in range(CHILD_ROWS)
        )
        store.insert_rows(_child(name), (*heads, "parent", "parenttype", "parentfield"), children)


def _create(store: SiteStore, template: str, name: str, renamed: dict[str, str]) -> None:
    meta = doctypes()[template]
    fields = [
        {
            **each,
            "name": f"{name} {each['fieldname']}",
            "options": renamed.get(each.get("options"), each.get("options")),
        }
        for each in meta["fields"]
    ]
    store.create_doctype({**meta, "name": name, "fields": fields})


def _change(store: SiteStore, names: Sequence[str], first: int, changed: int) -> str:
    """Save documents that weren't saved before, spread over the DocTypes, 0.1 ms apart; return the instant before."""
    since = datetime.now(UTC).replace(tzinfo=None)
    with store.writing() as connection:
        for number in range(first, first + changed):
            name, document = names[number % DOCTYPES], f"V-{number // DOCTYPES:05d}"
            stamp = str(since + timedelta(microseconds=100 * (number - first + 1)))
            for table, key in ((name, "name"), (_child(name), "parent")):
                connection.execute(
                    f"UPDATE {table_of(table)} SET modified = ? WHERE {quoted(f'~{key}')} = collation_key(?)",
                    (stamp, document),
                )
    time.sleep(max(0.0, changed / 10_000 - 1))  # no document was saved in the future
    return str(since)


def _settings(folder: Path, url: str, names: Sequence[str]) -> Settings:
    text = (
        f"doctypes: {list(names)}\nvalidation: false\nsatellites:\n  delta: {{url: {url}, credentials: 'env:DELTA'}}\n"
    )
    (folder / "federation.yaml").write_text(text, encoding="utf-8")
    return load_settings(folder / "federation.yaml")


def _extract(settings: Settings) -> int:
    """Return the documents packaged."""
    outcomes = list(extract(settings, settings.satellites["delta"], RunOptions(), Unwatched()))
    if any(outcome.status == "failed" for outcome in outcomes):
        raise AssertionError(outcomes)
    return sum(outcome.documents for outcome in outcomes)


def _poll(url: str, names: Sequence[str], since: str) -> int:
    """List what was modified, GET each; return the documents read."""
    read = 0
    with requests.Session() as session:
        session.headers["Authorization"] = f"token {KEY}:{SECRET}"
        for doctype in names:
            listing = {"filters": json.dumps([["modified", ">", since]]), "limit_page_length": "0"}
            found = session.get(f"{url}/api/resource/{doctype}", params=listing, timeout=60).json()["data"]
            for row in found:
                session.get(f"{url}/api/resource/{doctype}/{row['name']}", timeout=60).raise_for_status()
            read += len(found)
    return read


if __name__ == "__main__":
    show("Delta", figures())
