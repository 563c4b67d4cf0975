"""The connector against the simulated site of each version: every way of reading, through every fault."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connectors.frappe import (
    Credentials,
    FrappeSession,
    Limits,
    Position,
    Rename,
    SatelliteError,
    WireTable,
    detect_manners,
    ping,
    read_changes,
    read_changes_newest_first,
    read_children,
    read_document,
    read_listed,
    read_named,
    read_renames,
)
from federation.demo.site.documents import SiteDocuments
from federation.demo.site.faults import Fault
from federation.demo.site.limits import RateLimit
from federation.demo.site.permissions import SiteUser, add_user
from federation.demo.site.server import RunningFleetOfSites, RunningSite
from federation.demo.site.store import SiteStore

KEY = Credentials("reader", "secret")
NOTE = WireTable("ToDo", ("name", "modified", "title"), ("text", "text", "text"))
STEP = WireTable("Step", ("name", "parent", "parenttype", "said"), ("text",) * 4)
UNTIL = "2099-01-01 00:00:00"
NOTES = 60


def described(name: str, *fields: tuple[str, str, str | None], **options: object) -> dict[str, object]:
    listed = [
        {"fieldname": fieldname, "fieldtype": fieldtype, "options": linked, "label": fieldname}
        for fieldname, fieldtype, linked in fields
    ]
    return {"doctype": "DocType", "name": name, "module": "Desk", "fields": listed} | options


def documents_of(path: Path, version: int) -> SiteDocuments:
    store = SiteStore(path, version=version)
    store.create_doctype(described("Step", ("said", "Data", None), istable=1))
    store.create_doctype(described("ToDo", ("title", "Data", None), ("steps", "Table", "Step"), autoname="field:title"))
    store.create_doctype(described("Punch", ("device", "Data", None), autoname="autoincrement"))
    add_user(store, SiteUser("reader@site.test", reads=("*",)), api_key="reader", api_secret="secret")
    ticks = (datetime(2026, 3, 1, tzinfo=UTC) + timedelta(seconds=tick // 7) for tick in range(10**9))
    documents = SiteDocuments(store, clock=lambda: next(ticks), rng=random.Random(1))  # noqa: S311 - names, not secrets
    for number in range(NOTES):
        steps = [{"said": f"{number}.{place}"} for place in range(number % 4)]
        documents.insert("ToDo", {"title": f"note {number:03} /é?'\"%", "steps": steps})
        documents.insert("Punch", {"device": "door"})
    return documents


@pytest.fixture(params=[13, 14, 15])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RunningSite]:
    path = tmp_path / "site.db"
    with RunningSite(path, documents=documents_of(path, request.param)) as running:
        yield running


def session_of(site: RunningSite | RunningFleetOfSites, **options: object) -> FrappeSession:
    limits = {"page_rows": 9, "read_timeout": 2, **options.pop("limits", {})}
    return FrappeSession(site.url, KEY, Limits(**limits), wait=lambda event, seconds: None, **options)


def names(pages: Iterator[object]) -> list[object]:
    return [name for page in pages for name in page.column("name")]


def notes_of(site: RunningSite) -> list[str]:
    return [f"note {number:03} /é?'\"%" for number in range(NOTES)]


def test_all_ways_of_reading_tell_the_same_in_every_version(site):
    expected = notes_of(site)
    with session_of(site) as session:
        walked = list(read_changes(session, NOTE, until=UNTIL))
        assert names(walked) == expected
        middle = Position(walked[2].column("modified")[-1], walked[2].column("name")[-1])
        assert names(read_changes(session, NOTE, after=middle)) == expected[27:]
        since = walked[3].column("modified")[0]
        recent = [name for page in walked for name, at in zip(*page.columns[:2], strict=True) if at >= since]
        assert sorted(names(read_changes_newest_first(session, NOTE, since=since, until=UNTIL))) == recent
        assert names(read_listed(session, NOTE, after=expected[40])) == expected[41:]
        assert names(read_named(session, NOTE, [*expected, *(f"gone {n}" for n in range(99))])) == expected
        punch = WireTable("Punch", ("name",), ("integer",))
        assert names(read_listed(session, punch, after=2)) == list(range(3, NOTES + 1))
        said = [cell for page in read_children(session, STEP, "ToDo", expected) for cell in page.column("said")]
        document = read_document(session, NOTE, {"steps": STEP}, expected[7])
        assert document["Step"].column("said") == ("7.0", "7.1", "7.2")
        assert read_document(session, NOTE, {}, "gone") is None
    assert sorted(said) == sorted(f"{number}.{place}" for number in range(NOTES) for place in range(number % 4))


def test_manners_are_found_by_looking(site):
    with session_of(site) as session:
        assert detect_manners(session).coalesced_filters == (site.store.manners.version == 13)


def test_renames_and_merges_are_found_by_their_comments(site):
    first, second, *_ = notes_of(site)
    odd = "<b>& co</b>"
    for change, old, new in (("rename", first, odd), ("merge", second, "note 002 /é?'\"%"), ("rename", odd, "newer")):
        getattr(site.documents, change)("ToDo", old, new)
        for _ in range(7):
            site.documents.now()  # a tick of its clock
    with session_of(site) as session:
        (page,) = read_renames(session, until=UNTIL)
        assert page.renames == (
            Rename("ToDo", first, odd),
            Rename("ToDo", second, "note 002 /é?'\"%"),
            Rename("ToDo", odd, "newer"),
        )
        assert list(read_renames(session, after=page.last, until=UNTIL)) == []


@pytest.mark.parametrize(
    "fault",
    [
        Fault("/ToDo", kind="reset", times=2, after=1),
        Fault("/ToDo", kind="truncate", size=40, times=2, after=1),
        Fault("/ToDo", status=503, times=2, after=1),
        Fault("/ToDo", status=429, retry_after=0, times=3, after=1),
        Fault("/ToDo", kind="gateway", status=502, times=2, after=1),
        Fault("/ToDo", kind="gateway", status=504, times=2, after=1),
        Fault("/ToDo", kind="killed", times=2, after=1),
        Fault("/ToDo", kind="hang", seconds=0.7, times=1, after=1),
        Fault("/ToDo", kind="shift", times=None, after=1),
        Fault("limit_page_length=9", kind="killed", times=None),
    ],
    ids=lambda fault: f"{fault.kind} {fault.status}",
)
def test_a_walk_survives_whatever_passes(site, fault):
    site.faults.add(fault)
    with session_of(site, limits={"read_timeout": 0.5}) as session:
        assert names(read_changes(session, NOTE, until=UNTIL)) == notes_of(site)
    assert site.faults.hits


def test_a_walk_keeps_below_the_rate_limit_of_the_site(site):
    now = [1_000_000_000.0]
    site.app.rate_limit = RateLimit(seconds=0.05, window=60, clock=lambda: now[0])

    def wait(event: object, seconds: float) -> None:
        now[0] += seconds

    session = FrappeSession(site.url, KEY, Limits(page_rows=1, retry_seconds=90), wait=wait)
    assert names(read_changes(session, NOTE, until=UNTIL)) == notes_of(site)


def test_several_sites_behind_one_host_and_a_sub_path_are_told_apart(tmp_path):
    sites = {name: documents_of(tmp_path / f"{name}.db", 15) for name in ("north.test", "south.test")}
    sites["south.test"].delete("ToDo", "note 000 /é?'\"%")
    with RunningFleetOfSites(sites, mount="/erp") as fleet:
        found = {name: len(names(read_listed(session_of(fleet, site_name=name), NOTE))) for name in sites}
        assert found == {"north.test": NOTES, "south.test": NOTES - 1}
        with pytest.raises(SatelliteError, match="no Frappe site answers under this host name"):
            ping(session_of(fleet, site_name="west.test"))
    for documents in sites.values():
        documents.store.close()


def test_a_site_behind_nginx_that_compresses_is_read(tmp_path):
    path = tmp_path / "site.db"
    with RunningSite(path, documents=documents_of(path, 15), gzip=True) as site, session_of(site) as session:
        assert names(read_changes(session, NOTE)) == notes_of(site)
