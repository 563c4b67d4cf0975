"""`federation sync`: from simulated sites to what analysts see, with satellites that fail and users that interrupt."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from cli_process import Command, Start, wait_until_hit

from federation.cli.sync_report import SyncReport, synced_satellite
from federation.cli.sync_tables import show_report
from federation.demo.site.faults import Fault
from federation.demo.site.server import RunningSite
from federation.extract.outcome import DocTypeOutcome
from federation.mothership.interface import MergeReport
from federation.sync import SatelliteOutcome

Sites = dict[str, RunningSite]


def synced(federation: Command, *arguments: str, status: int = 0) -> dict[str, Any]:
    ended = federation("sync", "--json", *arguments)
    assert ended.exit_code == status, ended.stderr
    report = json.loads(ended.stdout)
    assert isinstance(report, dict)
    return report


def doctypes(report: dict[str, Any], satellite: str) -> dict[str, dict[str, Any]]:
    found = next(one for one in report["satellites"] if one["satellite"] == satellite)
    return {doctype["doctype"]: doctype for doctype in found["doctypes"]}


def counted(federation: Command, table: str) -> dict[str, int]:
    ended = federation("query", "--json", f"SELECT satellite, count(*) AS n FROM {table} GROUP BY 1")
    assert ended.exit_code == 0, ended.stderr
    return {row["satellite"]: row["n"] for row in json.loads(ended.stdout)}


def on_site(site: RunningSite, doctype: str) -> int:
    return int(site.store.connection().execute(f'SELECT count(*) FROM "tab{doctype}"').fetchone()[0])


def test_all_satellites_arrive_and_are_published(settings_file: Path, sites: Sites, federation: Command) -> None:
    report = synced(federation)
    assert report["published"] is True
    assert report["interrupted"] is False
    customers = doctypes(report, "north")["Customer"]
    assert customers["status"] == "changed"
    assert customers["documents"] == customers["merged"]["inserted"] == on_site(sites["north"], "Customer")
    assert counted(federation, "customer") == {name: on_site(site, "Customer") for name, site in sites.items()}
    assert counted(federation, "sales_invoice_item") == {
        name: on_site(site, "Sales Invoice Item") for name, site in sites.items()
    }


def test_a_second_sync_finds_nothing_new(settings_file: Path, federation: Command) -> None:
    synced(federation)
    report = synced(federation)
    assert {doctype["status"] for doctype in doctypes(report, "south").values()} == {"unchanged"}
    assert doctypes(report, "south")["Customer"]["merged"] is None


def test_status_is_fresh_afterwards(settings_file: Path, federation: Command) -> None:
    synced(federation)
    ended = federation("status")
    assert ended.exit_code == 0, ended.stdout
    report = json.loads(federation("status", "--json").stdout)
    assert {one["satellite"]: one["state"] for one in report["satellites"]} == {"north": "fresh", "south": "fresh"}
    (company, *_) = report["satellites"][0]["doctypes"]
    assert (company["doctype"], company["rows"], company["pending"]) == ("Company", 1, 0)
    assert company["as_of"].endswith("Z")


def test_satellites_and_doctypes_can_be_picked(settings_file: Path, federation: Command) -> None:
    report = synced(federation, "-s", "south", "-d", "Customer", "-d", "Company")
    assert [one["satellite"] for one in report["satellites"]] == ["south"]
    assert doctypes(report, "south").keys() == {"Company", "Customer"}


def test_a_full_sync_finds_what_was_deleted_behind_the_sites_back(
    settings_file: Path, sites: Sites, federation: Command
) -> None:
    synced(federation)
    store = sites["north"].store
    with store.writing() as connection:
        connection.execute('DELETE FROM "tabCustomer" WHERE name = (SELECT min(name) FROM "tabCustomer")')
    assert doctypes(synced(federation), "north")["Customer"]["tombstones"] == 0
    customers = doctypes(synced(federation, "--full"), "north")["Customer"]
    assert (customers["tombstones"], customers["merged"]["deleted"]) == (1, 1)
    assert counted(federation, "customer")["north"] == on_site(sites["north"], "Customer")


def test_a_satellite_that_is_no_frappe_site_costs_the_others_nothing(
    settings_file: Path, sites: Sites, federation: Command
) -> None:
    sites["north"].faults.add(Fault("", kind="html", times=None))
    ended = federation("sync")
    assert ended.exit_code == 1
    assert "isn't Frappe's JSON" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert counted(federation, "customer") == {"south": on_site(sites["south"], "Customer")}
    states = {one["satellite"]: one["state"] for one in json.loads(federation("status", "--json").stdout)["satellites"]}
    assert states == {"north": "never", "south": "fresh"}


def test_a_doctype_that_fails_costs_the_others_nothing(settings_file: Path, sites: Sites, federation: Command) -> None:
    sites["north"].faults.add(Fault("/api/resource/Customer", status=500, times=None))
    report = synced(federation, status=1)
    assert {name: doctype["status"] for name, doctype in doctypes(report, "north").items()} == {
        "Company": "changed",
        "Customer": "failed",
        "Sales Invoice": "changed",
    }
    assert doctypes(report, "north")["Customer"]["error"]


def test_a_secret_that_is_missing_starts_nothing(
    settings_file: Path, federation: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NORTH_API_KEY", "NORTH_API_SECRET", "SOUTH_API_SECRET"):
        monkeypatch.delenv(name)
    ended = federation("sync")
    assert ended.exit_code == 2
    assert "3 mistakes" in ended.stderr
    assert "SOUTH_API_SECRET is not set" in ended.stderr
    assert not (settings_file.parent / "var").exists()


def test_a_key_of_the_policy_that_is_missing_starts_nothing(settings_file: Path, federation: Command) -> None:
    with settings_file.open("a") as file:
        file.write("policy: [{field: tax_id, action: hash, key: env:NO_SUCH_KEY}]\n")
    ended = federation("sync")
    assert ended.exit_code == 2
    assert "NO_SUCH_KEY is not set" in ended.stderr
    assert not (settings_file.parent / "var").exists()


def test_a_reader_sees_what_happened_as_a_table(settings_file: Path, sites: Sites, federation: Command) -> None:
    first = federation("sync")
    assert first.exit_code == 0
    assert "Sales Invoice" in first.stdout
    assert "✓ north" in first.stderr
    second = federation("sync")
    assert "3 DocTypes" in second.stdout
    assert "Sales Invoice" not in second.stdout, "what didn't change is only counted"


def test_ctrl_c_stops_at_the_next_page_and_the_next_sync_goes_on(
    settings_file: Path, sites: Sites, federation: Command, start: Start
) -> None:
    text = settings_file.read_text().replace("env:NORTH,", "env:NORTH, page_rows: 10,")
    settings_file.write_text(text)
    sites["north"].faults.add(Fault('"modified",', kind="hang", seconds=0.2, times=None))
    running = start("sync", "--json")
    wait_until_hit(sites["north"], times=8)
    running.interrupt()
    status, out, err = running.end()
    assert status == 130, err
    assert "Interrupted" in err
    assert "Traceback" not in err
    report = json.loads(out)
    assert report["interrupted"] is True
    sites["north"].faults.clear()
    synced(federation)
    assert counted(federation, "sales_invoice_item") == {
        name: on_site(site, "Sales Invoice Item") for name, site in sites.items()
    }


def test_a_second_ctrl_c_ends_at_once_and_the_next_sync_goes_on(
    settings_file: Path, sites: Sites, federation: Command, start: Start
) -> None:
    sites["north"].faults.add(Fault("Customer", kind="hang", seconds=100, times=2))
    running = start("sync", "--json")
    wait_until_hit(sites["north"])
    running.interrupt()
    time.sleep(0.5)
    running.interrupt()
    status, _, err = running.end()
    assert status == 130, err
    assert "Stopped at once" in err
    assert "Traceback" not in err
    sites["north"].faults.clear()
    synced(federation)
    assert counted(federation, "customer") == {name: on_site(site, "Customer") for name, site in sites.items()}


def test_of_many_satellites_those_that_need_a_look_are_shown_and_the_others_counted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    quiet = DocTypeOutcome("Customer", "changed", documents=3)
    failed = DocTypeOutcome("Customer", "failed", error="it is broken")
    satellites = tuple(
        synced_satellite(SatelliteOutcome(f"campus-{number}", (outcome,), MergeReport(), "", 0.1), {})
        for number in range(300)
        for outcome in [failed if number == 17 else quiet]
    )
    report = SyncReport(satellites, published=True, error="", interrupted=False, seconds=1.0)
    show_report(report, show_all=False)
    shown = capsys.readouterr()
    assert [line.split()[0] for line in shown.out.splitlines() if "campus-" in line] == ["campus-17"]
    assert "… and 299 that are well (all together 897 documents and 0 tombstones of 300 DocTypes)" in shown.out
    assert "campus-17, Customer: it is broken" in shown.err
    show_report(report, show_all=True)
    assert capsys.readouterr().out.count("campus-") == 300
