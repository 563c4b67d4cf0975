"""Aggregates: groups arrive as documents of a DocType of ours, and the documents themselves never leave the site."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from expecting import BETWEEN, expecting, quarantine
from extract_world import CUSTOMER, READER, Shop, doctype, open_shop

from federation.cli.inspection import inspect
from federation.demo.site.permissions import SiteUser, add_user

SLIP, STRUCTURE, BY_DEPARTMENT = "Salary Slip", "Pay Structure", "Salary by department"
VERSIONS = pytest.mark.parametrize("version", [13, 14, 15])
SLIPS = (
    doctype("Salary Detail", "component: Data", "amount: Currency", istable=1),
    doctype(
        SLIP,
        "employee: Data",
        "company: Link | Company",
        "department: Data",
        "posting_date: Date",
        "paid_at: Datetime",
        "net_pay: Currency",
        "days: Int",
        "remarks: Small Text",
        "details: Table | Salary Detail",
        is_submittable=1,
    ),
    doctype(STRUCTURE, "details: Table | Salary Detail"),
    doctype("Version", "ref_doctype: Link | DocType", "docname: Data", "data: Code", module="Core"),
    doctype(CUSTOMER, "customer_name: Data", "slip: Link | Salary Slip"),
)
RULE: dict[str, Any] = {
    "name": BY_DEPARTMENT,
    "doctype": SLIP,
    "by": ["company", "department"],
    "sum": ["net_pay", "days"],
    "at_least": 1,
}


def open_slips(folder: Path, version: int = 15, *aggregates: dict[str, Any], **settings: Any) -> Any:
    """A site of salary slips, from which everything is wanted."""
    return open_shop(folder, *SLIPS, version=version, doctypes=["*"], aggregates=aggregates or [RULE], **settings)


def slip(shop: Shop, **values: Any) -> str:
    row = {"employee": "Ada", "company": "North", "department": "Sales", "net_pay": 10.5, "days": 20, **values}
    made = shop.documents.insert(SLIP, {"details": [{"component": "basic", "amount": 1}], **row})
    return str(made["name"])


def groups(shop: Shop, name: str = BY_DEPARTMENT) -> list[tuple[Any, ...]]:
    """The values of each group on the lake, sorted."""
    rows = shop.folded(name).get(name)
    ours = ("satellite", "observed", "name")
    told = [[value for key, value in row.items() if key not in ours] for row in rows.to_pylist()] if rows else []
    return sorted(map(tuple, told), key=str)


def money(amount: str) -> Decimal:
    return Decimal(amount).quantize(Decimal("1e-9"))


@VERSIONS
def test_groups_arrive_and_follow_their_documents(tmp_path: Path, version: int) -> None:
    with open_slips(tmp_path, version) as shop:
        first = slip(shop)
        slip(shop, net_pay=0.1)
        slip(shop, department="Works", net_pay=1 / 3)
        assert shop.sync()[BY_DEPARTMENT].documents == 2
        works = ("North", "Works", 1, money("0.333333333"), 20)
        assert groups(shop) == [("North", "Sales", 2, money("10.6"), 40), works]
        shop.documents.delete(SLIP, first)
        slip(shop, department=None)
        slip(shop, department="")
        outcome = shop.sync()[BY_DEPARTMENT]
        assert (outcome.documents, outcome.unchanged, outcome.tombstones) == (3, 1, 0)
        sales = ("North", "Sales", 1, money("0.1"), 20)
        unnamed = [("North", department, 1, money("10.5"), 20) for department in ("", None)]
        assert groups(shop) == [unnamed[0], sales, works, unnamed[1]]
        shop.documents.sql_delete(SLIP, {"department": "Works"})
        outcome = shop.sync()[BY_DEPARTMENT]
        assert (outcome.documents, outcome.unchanged, outcome.tombstones) == (0, 3, 1)
        assert groups(shop) == [unnamed[0], sales, unnamed[1]]
        assert shop.sync()[BY_DEPARTMENT].status == "unchanged"


@VERSIONS
def test_no_request_asks_for_a_document(tmp_path: Path, version: int) -> None:
    with open_slips(tmp_path, version) as shop:
        for _ in range(3):
            name = slip(shop, employee="a canary", remarks="a canary")
            shop.documents.insert("Version", {"ref_doctype": SLIP, "docname": name, "data": "a canary"})
        shop.documents.insert("Version", {"ref_doctype": CUSTOMER, "docname": "Ada", "data": "of Ada"})
        shop.documents.insert("Version", {"data": "of nobody"})
        shop.customer("Ada")
        shop.documents.insert(STRUCTURE, {"details": [{"component": "basic"}]})
        shop.sync()
        shop.documents.rename(SLIP, name, "a canary")
        shop.documents.save(SLIP, "a canary", {"remarks": "a canary"})
        deleted = slip(shop)
        shop.documents.delete(SLIP, deleted)
        shop.documents.delete(CUSTOMER, "Ada")
        for depth in ("changes", "reconcile", "full"):
            outcome = shop.sync(depth=depth)
            assert outcome[BY_DEPARTMENT].status != "failed"
            assert SLIP not in outcome
        findings, _ = inspect(shop.settings, shop.satellite)
        assert findings.documents[BY_DEPARTMENT] == 3
        asked_by_name = shop.sync(doctypes=(SLIP,))
        assert [*asked_by_name] == [BY_DEPARTMENT]
        assert {row["data"] for row in shop.folded("Version")["Version"].to_pylist()} == {"of Ada", "of nobody"}
        deletions = shop.folded("Deleted Document")["Deleted Document"].to_pylist()
        assert [row["deleted_doctype"] for row in deletions] == [CUSTOMER]
        for request in shop.watch.requests:
            assert is_harmless(request), request
        for file in (tmp_path / "lake").rglob("*"):
            assert file.is_dir() or b"canary" not in file.read_bytes()


def is_harmless(request: str) -> bool:
    """It is about another DocType, or asks for metadata, for a number, or for groups of the stated fields."""
    if f"/api/resource/{SLIP}" in request:
        stated = ["company", "department", "count(name) as documents_in_group", "sum(net_pay) as sum_0"]
        fields = re.findall(r"fields=(\[.*?\])", request)
        expected = '["' + '","'.join([*stated, "sum(days) as sum_1"]) + '"]'
        return fields == [expected] and "group_by=company, department" in request
    if re.match(r"/api/resource/(DocType|DocField|Custom Field|Property Setter)\?", request):
        return True
    if "/api/resource/Salary Detail" in request:
        return f'["parenttype","=","{STRUCTURE}"]' in request
    rest = re.sub(
        r'"(?:deleted_doctype|ref_doctype|reference_doctype|reference_type)","not in",\[[^\]]*\]', "", request
    )
    return SLIP not in rest or any(asks in request for asks in ("getdoctype", "get_count", "has_permission"))


def test_small_groups_are_withheld_and_leave_when_they_become_small(tmp_path: Path) -> None:
    with open_slips(tmp_path, 15, RULE | {"at_least": 3}) as shop:
        names = [slip(shop) for _ in range(3)]
        for _ in range(2):
            slip(shop, department="a canary")
        assert shop.sync()[BY_DEPARTMENT].withheld == 1
        assert groups(shop) == [("North", "Sales", 3, money("31.5"), 60)]
        shop.documents.delete(SLIP, names[0])
        assert shop.sync()[BY_DEPARTMENT].tombstones == 1
        assert groups(shop) == []
        for file in (tmp_path / "lake").rglob("*"):
            assert file.is_dir() or b"canary" not in file.read_bytes()


@VERSIONS
@pytest.mark.parametrize(("cut", "days"), [("day", (3, 28, 1)), ("month", (1, 1)), ("year", (1,))])
def test_dates_are_cut(tmp_path: Path, version: int, cut: str, days: tuple[int, ...]) -> None:
    rule = {"name": "Slips by time", "doctype": SLIP, "by": [{"posting_date": cut}], "at_least": 1, "sum": ["days"]}
    with open_slips(tmp_path, version, rule) as shop:
        for day in ("2026-01-03", "2026-01-28", "2026-02-01"):
            slip(shop, posting_date=day)
        shop.sync()
        found = sorted(groups(shop, "Slips by time"), key=lambda row: row[0])
        assert tuple(row[0].day for row in found) == days
        assert sum(row[2] for row in found) == 60
        assert min(row[0] for row in found) == date(2026, 1, days[0])


@VERSIONS
def test_a_datetime_is_grouped_by_day_where_the_site_can(tmp_path: Path, version: int) -> None:
    rule = {"name": "Slips by time", "doctype": SLIP, "by": [{"paid_at": "month"}], "at_least": 1}
    with open_slips(tmp_path, version, rule) as shop:
        for instant in ("2026-01-03 08:00:00", "2026-01-31 23:59:59.9"):
            slip(shop, paid_at=instant)
        outcome = shop.sync()["Slips by time"]
        if version < 15:
            assert "can't group by the day of a Datetime (paid_at)" in outcome.error
        else:
            assert groups(shop, "Slips by time") == [(date(2026, 1, 1), 2)]


def test_values_that_the_policy_alters_make_the_groups(tmp_path: Path) -> None:
    rules = [
        {"doctype": SLIP, "field": "department", "action": "mask", "show": "domain"},
        {"doctype": SLIP, "field": "posting_date", "action": "mask", "show": "year"},
        {"doctype": SLIP, "field": "company", "action": "hash", "key": f"file:{tmp_path}/hash"},
    ]
    by = ["department", {"posting_date": "day"}, "company"]
    with open_slips(tmp_path, 15, RULE | {"by": by, "at_least": 2}, policy=rules) as shop:
        slip(shop, department="ada@sales.test", posting_date="2026-05-01")
        slip(shop, department="eve@sales.test", posting_date="2026-06-01")
        slip(shop, department="eve@works.test", posting_date="2026-06-01")
        shop.sync()
        [(department, day, company, documents, net_pay, days)] = groups(shop)
        assert (department, day, documents, net_pay, days) == ("sales.test", date(2026, 1, 1), 2, money("21"), 40)
        assert re.fullmatch("[0-9a-f]{64}", company)


def test_spellings_that_the_database_takes_for_one_are_one_group(tmp_path: Path) -> None:
    by = ["department", {"posting_date": "year"}]
    with open_slips(tmp_path, 15, RULE | {"by": by}) as shop:
        for day, department in enumerate(("Sales", "SALES", "sales ", "Sales"), 1):
            slip(shop, department=department, posting_date=f"2026-01-0{day}")
        shop.sync()
        assert groups(shop) == [("SALES", date(2026, 1, 1), 4, money("42"), 80)]
        shop.documents.sql_delete(SLIP, {"department": "SALES"})
        outcome = shop.sync()[BY_DEPARTMENT]
        assert (outcome.documents, outcome.tombstones) == (1, 0)


def test_a_field_that_a_site_retypes_is_held_back_as_before(tmp_path: Path) -> None:
    with open_slips(tmp_path, policy=[{"fieldtype": "Data", "action": "mask", "show": "last 1"}]) as shop:
        slip(shop)
        shop.sync()
        assert [row[1] for row in groups(shop)] == ["…s"]
        shop.site.store.set_property(SLIP, "department", "fieldtype", "Small Text")
        assert shop.sync()[BY_DEPARTMENT].status == "unchanged"


def test_names_that_are_hashed_by_their_doctype_need_it_beside_them(tmp_path: Path) -> None:
    bonus = doctype("Bonus", "party_type: Link | DocType", "party: Dynamic Link | party_type")
    plain = {"doctype": "Bonus", "at_least": 1}
    rules = [
        plain | {"name": "Bonuses by party", "by": ["party_type", "party"]},
        plain | {"name": "Bonuses by name", "by": ["party"]},
    ]
    policy = [{"doctype": CUSTOMER, "field": "name", "action": "hash", "key": f"file:{tmp_path}/hash"}]
    with open_shop(tmp_path, *SLIPS, bonus, doctypes=[CUSTOMER], aggregates=rules, policy=policy) as shop:
        shop.customer("Ada")
        for kind, name in ((CUSTOMER, "Ada"), (SLIP, "Ada")):
            shop.documents.insert("Bonus", {"party_type": kind, "party": name})
        outcome = shop.sync()
        assert "only `party_type` says whose they are" in outcome["Bonuses by name"].error
        [(_, hashed, _), (_, kept, _)] = groups(shop, "Bonuses by party")
        assert hashed in shop.names(CUSTOMER)
        assert kept == "Ada"


def test_fieldnames_of_all_kinds_make_groups(tmp_path: Path) -> None:
    fields = ("row: Data", "place: Data", "satellite: Data", "documents_sum: Int", "x_utc: Int", "documents: Int")
    odd = doctype("Odd Thing", *fields)
    rule = {"name": "Odd groups", "doctype": "Odd Thing", "by": ["row", "place", "satellite"], "at_least": 1}
    with open_shop(tmp_path, odd, doctypes=["*"], aggregates=[rule | {"sum": ["documents_sum", "x_utc"]}]) as shop:
        for number in (1, 2):
            values = {"row": "a", "place": "b", "satellite": "c", "documents_sum": number, "x_utc": number}
            shop.documents.insert("Odd Thing", values)
        shop.sync()
        [row] = shop.folded("Odd groups")["Odd groups"].to_pylist()
        assert (row["row"], row["place"], row["satellite_field"], row["satellite"]) == ("a", "b", "c", "shop")
        assert (row["documents"], row["documents_sum"], row["x_utc_field"]) == (2, 3, 3)


@pytest.mark.parametrize("field", ["department", "net_pay"])
def test_what_the_policy_holds_back_makes_no_groups(tmp_path: Path, field: str) -> None:
    with open_slips(tmp_path, policy=[{"field": field, "action": "drop"}]) as shop:
        slip(shop)
        outcome = shop.sync()
        assert f"The policy holds back {field}" in outcome[BY_DEPARTMENT].error
        assert not shop.asked_for("/api/resource/Salary Slip")
        assert outcome[CUSTOMER].status == "unchanged"


def test_fields_that_a_site_doesnt_have_are_named_with_what_was_meant(tmp_path: Path) -> None:
    rule = RULE | {"by": ["compny", "details", "paid_at", "net_pay"], "sum": ["remarks"], "only_submitted": True}
    with open_slips(tmp_path, 15, rule) as shop:
        slip(shop)
        error = shop.sync()[BY_DEPARTMENT].error
        for said in (
            "`compny` is no field of Salary Slip: did you mean `company`?",
            "`details` holds child rows",
            "write `paid_at: day`",
            "`net_pay` is a Currency",
            "`remarks` is a Small Text, which can't be added up",
        ):
            assert said in error


def test_sums_over_a_part_of_the_documents_are_refused(tmp_path: Path) -> None:
    with open_slips(tmp_path) as shop:
        slip(shop)
        slip(shop, company="South")
        shop.sync()
        user = SiteUser(READER, reads=("*",), only={"Company": ("North",)})
        add_user(shop.site.store, user, api_key="the-api-key", api_secret="the-api-secret")
        outcome = shop.sync()[BY_DEPARTMENT]
        assert "have 1 documents, and the site counts 2 of Salary Slip" in outcome.error
        assert len(groups(shop)) == 2


def test_fields_above_the_users_level_are_missed(tmp_path: Path) -> None:
    with open_slips(tmp_path) as shop:
        shop.site.store.set_property(SLIP, "department", "permlevel", 1)
        slip(shop)
        assert "the site leaves out department" in shop.sync()[BY_DEPARTMENT].error


def test_drafts_and_cancelled_documents_count_where_they_are_wanted(tmp_path: Path) -> None:
    submitted = RULE | {"name": "Submitted slips", "only_submitted": True, "by": ["company"]}
    by_status = RULE | {"name": "Slips by status", "by": ["docstatus"]}
    with open_slips(tmp_path, 15, submitted, by_status) as shop:
        for status in (0, 1, 1, 2):
            shop.documents.sql_update(SLIP, {"name": slip(shop)}, {"docstatus": status})
        shop.sync()
        assert groups(shop, "Submitted slips") == [("North", 2, money("21"), 40)]
        assert [row[:2] for row in groups(shop, "Slips by status")] == [(0, 1), (1, 2), (2, 1)]


def test_documents_that_were_read_before_are_asked_for_no_more(tmp_path: Path) -> None:
    with open_slips(tmp_path) as shop:
        plain = shop.with_settings(doctypes=["*"])
        names = [slip(shop) for _ in range(40)]
        plain.sync()
        assert SLIP in {anchor.doctype for anchor in plain.manifests()[-1].site.anchors}
        shop.watch.requests.clear()
        shop.documents.delete(SLIP, names[0])
        shop.documents.rename(SLIP, names[1], "another")
        for depth in ("changes", "full"):
            assert SLIP not in shop.sync(depth=depth)
        for request in shop.watch.requests:
            assert is_harmless(request), request
        assert groups(shop) == [("North", "Sales", 39, money("409.5"), 780)]


def test_a_group_with_a_value_that_doesnt_fit_is_set_aside(tmp_path: Path) -> None:
    rule = RULE | {"by": [{"posting_date": "month"}], "at_least": 2}
    with open_slips(tmp_path, 15, rule) as shop:
        for day in ("2026-01-01", "2026-01-02", "2026-02-30", "2026-02-31", "0000-00-00"):
            shop.documents.sql_update(SLIP, {"name": slip(shop)}, {"posting_date": day})
        outcome = shop.sync()[BY_DEPARTMENT]
        # Both impossible days are cut to one month before they are judged: it fits, and so do they.
        assert (outcome.documents, outcome.quarantined, outcome.withheld) == (2, 0, 1)
        shop.documents.sql_update(SLIP, {"posting_date": "2026-01-02"}, {"posting_date": "0000-00-00"})
        outcome = shop.sync()[BY_DEPARTMENT]
        assert (outcome.quarantined, outcome.tombstones) == (1, 1)
        assert [row["fieldname"] for row in quarantine(shop)] == ["posting_date"]
        assert shop.sync()[BY_DEPARTMENT].status == "unchanged"
        shop.documents.sql_update(SLIP, {"posting_date": "0000-00-00"}, {"posting_date": "2026-01-02"})
        assert shop.sync()[BY_DEPARTMENT].documents == 1
        assert shop.set_aside(BY_DEPARTMENT) == set()


def test_the_users_own_expectations_judge_groups(tmp_path: Path) -> None:
    rule = f"- {{expect: {BETWEEN}, field: net_pay, min_value: 0, severity: reject, reason: Pay is never negative.}}"
    with open_slips(tmp_path) as shop:
        judged = expecting(shop, BY_DEPARTMENT.replace(" ", "-"), rule, doctypes=["*"], aggregates=[RULE])
        slip(shop)
        slip(shop, department="Works", net_pay=-1)
        assert judged.sync()[BY_DEPARTMENT].quarantined == 1
        assert [row[1] for row in groups(judged)] == ["Sales"]


def test_a_site_with_a_doctype_of_the_same_name_has_no_such_aggregate(tmp_path: Path) -> None:
    taken = doctype(BY_DEPARTMENT, "total: Data")
    with open_shop(tmp_path, *SLIPS, taken, doctypes=["*"], aggregates=[RULE]) as shop:
        slip(shop)
        assert "The site has a DocType of this name" in shop.sync()[BY_DEPARTMENT].error
        assert not shop.asked_for(f"/api/resource/{BY_DEPARTMENT}")


def test_an_aggregate_that_is_grouped_otherwise_begins_anew_and_keeps_its_columns(tmp_path: Path) -> None:
    with open_slips(tmp_path) as shop:
        slip(shop)
        slip(shop, department="Works")
        shop.sync()
        metadata = shop.asked_for("getdoctype")
        shop.sync()
        assert shop.asked_for("getdoctype") == metadata
        other = shop.with_settings(doctypes=["*"], aggregates=[RULE | {"by": ["company"], "sum": ["days"]}])
        outcome = other.sync()[BY_DEPARTMENT]
        assert (outcome.documents, outcome.tombstones) == (1, 2)
        [row] = other.folded(BY_DEPARTMENT)[BY_DEPARTMENT].to_pylist()
        assert (row["company"], row["documents"], row["days"], row["department"], row["net_pay"]) == (
            *("North", 2, 40),
            *(None, None),
        )
