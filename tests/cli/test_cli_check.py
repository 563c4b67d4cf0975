"""`federation check`: what it tells of satellites, good and bad, and that it leaves no trace anywhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Command, Start, Write, wait_until_hit

from federation.demo.site.faults import Fault
from federation.demo.site.permissions import SiteUser, add_user
from federation.demo.site.server import RunningSite

Sites = dict[str, RunningSite]


def found(federation: Command, *arguments: str, status: int) -> dict[str, Any]:
    ended = federation("check", "--json", *arguments)
    assert ended.exit_code == status, ended.stderr
    report = json.loads(ended.stdout)
    assert isinstance(report, dict)
    return report


def satellite(report: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in report["satellites"] if one["satellite"] == name)


def test_all_is_well(settings_file: Path, federation: Command) -> None:
    report = found(federation, status=0)
    assert [one["satellite"] for one in report["satellites"]] == ["north", "south"]
    assert satellite(report, "north") | {"clock_skew_seconds": 0} == {
        "satellite": "north",
        "url": satellite(report, "north")["url"],
        "ok": True,
        "error": "",
        "user": "federation@north.example",
        "versions": {"frappe": "15.44.2", "erpnext": "15.90.0"},
        "time_zone": "Asia/Kolkata",
        "clock_skew_seconds": 0,
        "jurisdiction": "IN",
        "doctypes": ["Company", "Customer", "Sales Invoice"],
        "unreadable": {},
        "remarks": [],
    }
    assert report["lake"] == {"place": str(settings_file.parent / "var" / "lake"), "error": ""}
    assert report["mothership"] == {"place": str(settings_file.parent / "var" / "mothership.duckdb"), "error": ""}


def test_a_reader_sees_it_as_a_table(settings_file: Path, federation: Command) -> None:
    ended = federation("check")
    assert ended.exit_code == 0
    assert "federation@south.example" in ended.stdout
    assert "3 readable" in ended.stdout
    assert ended.stderr == ""


def test_nothing_is_written(settings_file: Path, sites: Sites, federation: Command) -> None:
    before = sorted(file.name for file in settings_file.parent.iterdir() if "sqlite" not in file.name)
    found(federation, status=0)
    assert sorted(file.name for file in settings_file.parent.iterdir() if "sqlite" not in file.name) == before


def test_one_satellite_can_be_checked_alone(settings_file: Path, federation: Command) -> None:
    report = found(federation, "--satellite", "south", status=0)
    assert [one["satellite"] for one in report["satellites"]] == ["south"]


def test_a_wrong_secret_is_one_satellites_trouble(
    settings_file: Path, federation: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NORTH_API_SECRET", "unmistakable")
    report = found(federation, status=1)
    assert "API key or secret is wrong" in satellite(report, "north")["error"]
    assert satellite(report, "south")["ok"]
    assert "unmistakable" not in json.dumps(report)


@pytest.mark.parametrize(("secret", "said"), [("", "NORTH_API_SECRET is empty"), ("with a space", "holds spaces")])
def test_a_secret_that_cannot_be_used_is_one_satellites_trouble(
    secret: str, said: str, settings_file: Path, federation: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NORTH_API_SECRET", secret)
    report = found(federation, status=1)
    assert said in satellite(report, "north")["error"]
    assert satellite(report, "south")["ok"]


def test_a_site_that_is_not_frappe_is_one_satellites_trouble(
    settings_file: Path, sites: Sites, federation: Command
) -> None:
    sites["north"].faults.add(Fault("", kind="html", times=None))
    report = found(federation, status=1)
    assert "isn't Frappe's JSON" in satellite(report, "north")["error"]
    assert satellite(report, "south")["ok"]


def test_doctypes_that_cannot_be_read_are_told_with_the_reason(sites: Sites, write: Write, federation: Command) -> None:
    site = sites["north"]
    add_user(site.store, SiteUser("clerk@north.example", reads=("Customer",)), api_key="clerk", api_secret="clerk")
    write(f"""
satellites: {{north: {{url: "{site.url}", credentials: env:CLERK, time_zone: Asia/Kolkata}}}}
doctypes: [Customer, Sales Invoice, Nonsense, Sales Invoice Item, System Settings, "Wishes *"]
""")
    report = found(federation, status=1)
    north = satellite(report, "north")
    assert north["doctypes"] == ["Customer"]
    assert {doctype: reason for doctype, reason in north["unreadable"].items() if "no permission" in reason} == {
        "Sales Invoice": north["unreadable"]["Sales Invoice"]
    }
    assert "not found" in north["unreadable"]["Nonsense"]
    assert "child table" in north["unreadable"]["Sales Invoice Item"]
    assert "Single" in north["unreadable"]["System Settings"]
    assert any("`Wishes *` matches no DocType" in remark for remark in north["remarks"])


@pytest.fixture(autouse=True)
def clerk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLERK_API_KEY", "clerk")
    monkeypatch.setenv("CLERK_API_SECRET", "clerk")


def test_rules_that_match_no_field_are_pointed_out(settings_file: Path, federation: Command) -> None:
    with settings_file.open("a") as file:
        file.write(
            "policy:\n"
            "  - {field: emial_id, action: drop}\n"
            "  - {field: tax_id, action: drop}\n"
            "  - {doctype: Sales Invoice, field: items, action: drop}\n"
            "  - {satellite: south, doctype: Nonsense, action: drop}\n"
        )
    report = found(federation, status=0)
    assert report["rules_without_fields"] == [
        "policy[1] {field: emial_id, action: drop}",
        "policy[4] {satellite: south, doctype: Nonsense, action: drop}",
    ]


def test_a_rule_for_satellites_that_did_not_answer_is_not_judged(
    settings_file: Path, sites: Sites, federation: Command
) -> None:
    with settings_file.open("a") as file:
        file.write("policy: [{satellite: north, field: anything, action: drop}]\n")
    sites["north"].faults.add(Fault("", kind="html", times=None))
    assert found(federation, status=1)["rules_without_fields"] == []


def test_zones_and_clocks_that_disagree_are_pointed_out(sites: Sites, write: Write, federation: Command) -> None:
    write(f"""
satellites: {{north: {{url: "{sites["north"].url}", credentials: env:NORTH, time_zone: Europe/Paris}}}}
doctypes: [Customer]
""")
    north = satellite(found(federation, status=0), "north")
    assert north["time_zone"] == "Europe/Paris"
    assert "Asia/Kolkata" in north["remarks"][0]


def test_a_place_that_cannot_be_written_is_found(settings_file: Path, federation: Command) -> None:
    (settings_file.parent / "var").write_text("in the way")
    report = found(federation, status=1)
    assert "is no folder" in report["lake"]["error"]
    assert "is no folder" in report["mothership"]["error"]


def test_a_mothership_that_is_no_database_is_found(settings_file: Path, federation: Command) -> None:
    (settings_file.parent / "var").mkdir()
    (settings_file.parent / "var" / "mothership.duckdb").write_text("garbage")
    ended = federation("check")
    assert ended.exit_code == 1
    assert "mothership.duckdb" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_ctrl_c_does_not_wait_for_a_site_that_hangs(settings_file: Path, sites: Sites, start: Start) -> None:
    sites["north"].faults.add(Fault("", kind="hang", seconds=100, times=1))
    running = start("check")
    wait_until_hit(sites["north"])
    running.interrupt()
    status, out, err = running.end()
    assert (status, out) == (130, "")
    assert "Interrupted" in err
    assert "Traceback" not in err
