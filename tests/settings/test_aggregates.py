"""Aggregates in the settings: which satellites they are for, what they hold back, and what is mistaken in them."""

from __future__ import annotations

import pytest

FLEET = """
satellites:
  north: {url: https://north.example.com, credentials: env:NORTH, jurisdiction: IN}
  south: {url: https://south.example.com, credentials: env:SOUTH, jurisdiction: EU}
doctypes: [Company, Salary Slip, "Sal*"]
"""
SALARY = """
aggregates:
  - name: Salary by department
    doctype: Salary Slip
    jurisdictions: [EU]
    by: [company, posting_date: month]
    sum: [net_pay]
    at_least: 5
"""


def test_documents_stay_where_an_aggregate_goes_and_come_elsewhere(load):
    read = load(FLEET + SALARY)
    north, south = (read.selection(read.satellites[name]) for name in ("north", "south"))
    assert (north.names, north.aggregates) == (("Company", "Salary Slip"), ())
    assert (south.names, south.aggregates) == (("Company",), ("Salary by department",))
    assert north.matches("Salary Slip", "")
    assert not south.matches("Salary Slip", "")
    assert south.matches("Salary by department", "")
    assert not north.matches("Salary by department", "")
    assert south.matches("Salary Structure", "")


def test_dates_are_cut_and_other_fields_are_not(load):
    [aggregate] = load(FLEET + SALARY).aggregates
    assert [(one.field, one.cut) for one in aggregate.by] == [("company", ""), ("posting_date", "month")]
    assert not aggregate.only_submitted


@pytest.mark.parametrize("chosen", ["", "satellites: [north, south]", 'satellites: ["*h"]', "jurisdictions: [IN, E*]"])
def test_satellites_are_chosen_by_name_or_jurisdiction_and_are_all_otherwise(load, chosen):
    read = load(FLEET + SALARY.replace("jurisdictions: [EU]", chosen or "only_submitted: off"))
    assert all(len(read.aggregates_of(satellite)) == 1 for satellite in read.satellites.values())


@pytest.mark.parametrize(
    ("before", "after", "key", "told"),
    [
        (
            "name: Salary by department",
            "name: salary-slip",
            "name",
            ("is the name of the DocType", "call it otherwise"),
        ),
        (
            "name: Salary by department",
            "name: company",
            "name",
            ("is the name of the DocType `Company` too", "call it"),
        ),
        ("name: Salary by department", 'name: "2"', "name", ("can't be the name", "start with a letter")),
        ("name: Salary by department", "", "name", ("is missing", "add name: Salary by department")),
        ("doctype: Salary Slip", 'doctype: "Salary*"', "doctype", ("not the name of a DocType", "without * or ?")),
        ("at_least: 5", "at_least: 0", "at_least", ("must be 1 or more", "at_least: 5")),
        ("at_least: 5", "", "at_least", ("is missing", "add at_least: 5")),
        ("[EU]", "[EUR]", "jurisdictions[1]", ("no satellite has the jurisdiction `EUR`", "did you mean `EU`?")),
        ("jurisdictions: [EU]", "satellites: [sout]", "satellites[1]", ("no satellite has the name", "mean `south`?")),
        ("[EU]", "[EU]\n    satellites: [south]", "satellites", ("stands beside `jurisdictions`", "remove one")),
        ("posting_date: month", "posting_date: weekly", "by[2]", ("can be cut to", "write day, month or year")),
        ("company, posting_date: month", "company, company", "by[2]", ("is here twice", "once")),
        ("sum: [net_pay]", "sum: [company]", "sum[1]", ("is here twice", "once")),
        ("sum: [net_pay]", "sum: [idx]", "sum[1]", ("tells one document from another", "remove it")),
        ("company, posting_date: month", "name", "by[1]", ("tells one document from another", "remove it")),
        ("company, posting_date: month", "", "by", ("must not be empty", "for example by:")),
        ("company, posting_date: month", "a b", "by[1]", ("is not a fieldname", "such as company")),
        ("at_least: 5", "at_least: 5\n    atleast: 5", "atleast", ("unknown key", "did you mean `at_least`?")),
    ],
)
def test_mistakes_are_named_with_line_key_and_fix(refused, before, after, key, told):
    [problem] = refused(FLEET + SALARY.replace(before, after)).problems
    assert problem.key == f"aggregates[1].{key}"
    assert problem.line is not None
    assert told[0] in problem.what
    assert told[1] in problem.fix


def test_two_aggregates_need_two_names(refused):
    [problem] = refused(FLEET + SALARY + SALARY.partition("aggregates:\n")[2]).problems
    assert "is the name of aggregates[1] too" in problem.what


def test_an_aggregate_of_a_jurisdiction_asks_every_satellite_for_its_own(refused):
    [problem] = refused(FLEET.replace(", jurisdiction: IN", "") + SALARY).problems
    assert "these satellites state none: north" in problem.what
