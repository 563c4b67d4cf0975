"""`federation check`: what it tells of satellites, good and bad, and that it leaves no trace anywhere."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cli_process import Command, Start, Write, wait_until_hit

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


READER = SiteUser(
    "reader@north.example",
    reads=(
        "Company", "Customer", "Sales Invoice",
        "DocType", "Custom Field", "Property Setter", "Deleted Document", "Comment",
    ),
)  # fmt: skip
"""May read what is selected and the site's own lists, and change nothing."""


def checked_as(user: SiteUser, sites: Sites, write: Write, federation: Command, *, status: int) -> dict[str, Any]:
    """What a check finds on the north site with the key of `user`."""
    add_user(sites["north"].store, user, api_key="clerk", api_secret="clerk")
    write(f"""
satellites: {{north: {{url: "{sites["north"].url}", credentials: env:CLERK, jurisdiction: IN}}}}
doctypes: [Company, Customer, Sales Invoice]
""")
    return satellite(found(federation, status=status), "north")


def test_all_is_well(sites: Sites, write: Write, federation: Command) -> None:
    north = checked_as(READER, sites, write, federation, status=0)
    told = {key: value for key, value in north.items() if key not in {"broken_links", "documents", "remarks"}}
    assert told | {"clock_skew_seconds": 0, "user_permissions": None} == {
        "satellite": "north",
        "url": sites["north"].url,
        "ok": True,
        "error": "",
        "user": "reader@north.example",
        "roles": [],
        "user_permissions": None,
        "read_only": True,
        "may_change": {},
        "versions": {"frappe": "15.44.2", "erpnext": "15.90.0"},
        "time_zone": "Asia/Kolkata",
        "clock_skew_seconds": 0,
        "jurisdiction": "IN",
        "doctypes": ["Company", "Customer", "Sales Invoice"],
        "unreadable": {},
        "holes": [],
        "uncounted": [],
        "mapped": [],
        "own_lists": dict.fromkeys(READER.reads[3:], True),
    }
    assert [remark for remark in north["remarks"] if "links lead" not in remark] == []


def test_lake_and_mothership_are_looked_at(settings_file: Path, federation: Command) -> None:
    report = found(federation, status=0)
    assert [one["satellite"] for one in report["satellites"]] == ["north", "south"]
    assert report["lakes"] == [{"place": str(settings_file.parent / "var" / "lake"), "error": ""}]
    assert report["mothership"] == {"place": str(settings_file.parent / "var" / "mothership.duckdb"), "error": ""}


def test_a_reader_sees_it_as_a_table(settings_file: Path, federation: Command) -> None:
    ended = federation("check")
    assert ended.exit_code == 0
    assert "federation@south.example" in ended.stdout
    assert "3 readable" in ended.stdout
    assert "✗" not in ended.stderr


def test_documents_that_lists_hide_are_counted_and_named(sites: Sites, write: Write, federation: Command) -> None:
    names = sites["north"].store.connection().execute('SELECT name FROM "tabCustomer" LIMIT 2').fetchall()
    limited = replace(READER, only={"Customer": [name for (name,) in names]})
    north = checked_as(limited, sites, write, federation, status=1)
    assert not north["ok"]
    holes = {hole["doctype"]: hole for hole in north["holes"]}
    (there,) = sites["north"].store.connection().execute('SELECT count(*) FROM "tabCustomer"').fetchone()
    assert (holes["Customer"]["kind"], holes["Customer"]["listed"], holes["Customer"]["there"]) == (
        "documents",
        2,
        there,
    )
    assert f"lists show 2 of {there:,} documents" in holes["Customer"]["what"]
    assert "User Permissions" in holes["Customer"]["what"]
    assert "Sales Invoice" in holes, "it links to customers, so it shrinks with them"
    assert "Company" not in holes


def test_fields_above_the_permission_level_are_named_with_the_level(
    sites: Sites, write: Write, federation: Command
) -> None:
    sites["north"].store.set_property("Customer", "tax_id", "permlevel", 1)
    north = checked_as(READER, sites, write, federation, status=1)
    (hole,) = north["holes"]
    assert (hole["doctype"], hole["kind"], hole["fields"]) == ("Customer", "fields", ["tax_id"])
    assert "read at permission level 1" in hole["what"]


def test_a_field_that_the_policy_drops_is_no_hole(sites: Sites, write: Write, federation: Command) -> None:
    sites["north"].store.set_property("Customer", "tax_id", "permlevel", 1)
    add_user(sites["north"].store, READER, api_key="clerk", api_secret="clerk")
    write(f"""
satellites: {{north: {{url: "{sites["north"].url}", credentials: env:CLERK}}}}
doctypes: [Customer]
policy: [{{doctype: Customer, field: tax_id, action: drop}}]
""")
    assert satellite(found(federation, status=0), "north")["holes"] == []


def test_a_key_that_may_write_is_pointed_out_and_stops_nothing(sites: Sites, write: Write, federation: Command) -> None:
    north = checked_as(replace(READER, writes=True), sites, write, federation, status=0)
    assert north["read_only"] is False
    assert north["may_change"]["Customer"] == ["write", "create", "delete"]
    assert any("may change documents" in remark and "Customer" in remark for remark in north["remarks"])


def test_a_system_manager_is_not_read_only(settings_file: Path, federation: Command) -> None:
    north = satellite(found(federation, status=0), "north")
    assert "System Manager" in north["roles"]
    assert north["read_only"] is False
    assert any("federation access" in remark for remark in north["remarks"])


def test_what_is_lost_without_the_sites_own_lists_is_said(sites: Sites, write: Write, federation: Command) -> None:
    plain = replace(READER, reads=READER.reads[:3])
    north = checked_as(plain, sites, write, federation, status=0)
    assert not any(north["own_lists"].values())
    lost = [remark for remark in north["remarks"] if "may not list" in remark]
    assert len(lost) == 3
    assert "DocType, Custom Field, Property Setter" in lost[0]


def test_a_single_is_asked_for_its_one_document(sites: Sites, write: Write, federation: Command) -> None:
    clerk = SiteUser("clerk@north.example", reads=("System Settings",))
    add_user(sites["north"].store, clerk, api_key="clerk", api_secret="clerk")
    write(f"""
satellites: {{north: {{url: "{sites["north"].url}", credentials: env:CLERK}}}}
doctypes: [System Settings]
""")
    assert satellite(found(federation, status=0), "north")["doctypes"] == ["System Settings"]


def test_links_to_doctypes_that_do_not_exist_are_a_remark(sites: Sites, write: Write, federation: Command) -> None:
    link = {"fieldname": "planet", "fieldtype": "Link", "options": "Planet"}
    sites["north"].store.add_custom_field("Customer", link)
    north = checked_as(READER, sites, write, federation, status=0)
    assert north["broken_links"]["Planet"] == ["Customer.planet"]
    assert any("links lead to DocTypes" in remark for remark in north["remarks"])


def test_a_zone_that_nobody_knows_is_told_with_the_setting_that_helps(
    sites: Sites, write: Write, federation: Command
) -> None:
    write(f"""
satellites: {{north: {{url: "{sites["north"].url}", credentials: env:NORTH}}}}
doctypes: [Customer]
""")
    store = sites["north"].store
    store.set_single("System Settings", store.single("System Settings") | {"time_zone": "Moon/Tranquility"})
    assert "`satellites.north.time_zone`" in satellite(found(federation, status=1), "north")["error"]


def test_a_404_says_how_sites_behind_one_address_are_told_apart(
    sites: Sites, write: Write, federation: Command
) -> None:
    sites["north"].faults.add(Fault("", kind="gateway", status=404, times=None))
    write(f"""
satellites: {{north: {{url: "{sites["north"].url}", credentials: env:NORTH}}}}
doctypes: [Customer]
""")
    error = satellite(found(federation, status=1), "north")["error"]
    assert "name this one under `site`" in error


def test_of_many_satellites_those_that_need_a_look_are_shown_and_the_others_counted(
    sites: Sites, write: Write, federation: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_user(sites["north"].store, READER, api_key="clerk", api_secret="clerk")
    monkeypatch.setenv("NORTH_API_SECRET", "wrong")
    entry = '{{url: "{url}", site: campus{number}, credentials: env:{key}}}'
    entries = "".join(
        f"  campus-{number}: "
        + entry.format(url=sites["north"].url, number=number, key="NORTH" if number == 17 else "CLERK")
        + "\n"
        for number in range(35)
    )
    write(f"satellites:\n{entries}doctypes: [Company]\n")
    ended = federation("check")
    assert ended.exit_code == 1
    assert [line.split()[1] for line in ended.stdout.splitlines() if "campus-" in line] == ["campus-17"]
    assert "… and 34 that are well" in ended.stdout
    assert ended.stderr.count("may not list") == 0
    assert ended.stderr.count("links lead to") <= 1, "what is said of all is said once"
    assert federation("check", "--all").stdout.count("campus-") == 35
    assert federation("check", "-s", "campus-2*").stdout.count("campus-2") == 11
    assert len(found(federation, status=1)["satellites"]) == 35


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
    forbidden = {doctype for doctype, reason in north["unreadable"].items() if "no permission" in reason}
    assert forbidden == {"Sales Invoice", "System Settings"}
    assert "not found" in north["unreadable"]["Nonsense"]
    assert "child table" in north["unreadable"]["Sales Invoice Item"]
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
    assert "is no folder" in report["lakes"][0]["error"]
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
