"""Specification of a page of Data Docs: the engine's own result of every rule, harmless whatever a site wrote."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from federation.contract.names import slug
from federation.quality import Example, Expectation, ExpectationResult, ValidationReport
from federation.quality.data_docs import Judged, page_of, suite_result
from federation.quality.data_docs_index import index_of, page_path, pages_among
from federation.quality.expectation import UNEXPECTED_ROWS
from federation.settings.expectation_names import RULES

AT = datetime(2026, 11, 24, 3, 15, 7, tzinfo=UTC)
NOT_NULL, BETWEEN = "expect_column_values_to_not_be_null", "expect_column_values_to_be_between"
ARGUMENTS = {
    "bound": 0,
    "flag": True,
    "values": ["a"],
    "pairs": [("a", "b")],
    "format": "%Y",
    "regex": "(?<!x)$a",
    "regexes": ["^a$"],
    "count": 1,
    "missing": "neither",
    "any or all": "any",
}


def judged(*results: ExpectationResult, doctype: str = "Order", satellite: str = "north") -> Judged:
    return Judged(satellite, doctype, "rows as they were read", AT, ValidationReport(results))


def text_of(page: str) -> str:
    """What a reader sees of a page."""
    seen = re.sub(r"<[^>]*>", " ", page.split("<body>")[1])
    seen = re.sub(r"&#(\d+);", lambda found: chr(int(found[1])), seen)
    return re.sub(r"\s+", " ", seen.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))


def test_a_report_becomes_the_engines_own_result_objects():
    from great_expectations.core import expectation_validation_result as engine

    mandatory = Expectation(NOT_NULL, "Order", "city", "city", "City is mandatory.", severity="reject")
    unmet = ExpectationResult(mandatory, 200, 3, (Example("O-1"), Example("O-2")))
    met = ExpectationResult(Expectation(BETWEEN, "Order", "total", "total", "…", {"min_value": 0}), 200, 0)
    suite = suite_result(judged(met, unmet))
    assert isinstance(suite, engine.ExpectationSuiteValidationResult)
    told = suite.statistics
    assert (suite.success, told["unsuccessful_expectations"], told["success_percent"]) == (False, 1, 50.0)
    first = suite.results[0]
    assert isinstance(first, engine.ExpectationValidationResult)
    assert (first.expectation_config.type, first.expectation_config.severity) == (NOT_NULL, "critical")
    assert (first.success, first.result["element_count"], first.result["unexpected_count"]) == (False, 200, 3)
    assert suite.to_json_dict()["results"][1]["success"] is True


@pytest.mark.parametrize("name", [*RULES, UNEXPECTED_ROWS])
def test_every_rule_has_its_line_with_counts_documents_and_values(name):
    rule = RULES.get(name)
    given = {each: ARGUMENTS[kind] for each, kind in rule.arguments.items()} if rule else {}
    given |= {} if rule else {"unexpected_rows_query": "SELECT document FROM {batch} WHERE fails = 1"}
    other = "begin" if rule and rule.columns > 1 else ""
    expectation = Expectation(name, "Order Line", "ends", "end", "It ends well.", given, other=other)
    failing = ExpectationResult(expectation, 4_000, 2, (Example("O-1", "1987, 1986"), Example("O-2", "x")))
    page = text_of(page_of(judged(failing)))
    assert "It ends well." in page
    assert "2 unexpected values found. 0.05% of 4000 total rows." in page
    assert all(shown in page for shown in ("O-1", "O-2", "1987, 1986"))
    assert "1 of 1 expectations are not met" in page


def test_what_is_not_met_comes_first_and_what_rejects_says_so():
    met = ExpectationResult(Expectation(BETWEEN, "Order", "a", "a", "A is fine.", {"min_value": 0}), 9, 0)
    unmet = ExpectationResult(Expectation(NOT_NULL, "Order", "z", "z", "Z is mandatory.", severity="reject"), 9, 1)
    page = text_of(page_of(judged(met, unmet)))
    assert page.index("Z is mandatory. (rejects the document)") < page.index("A is fine. (warns)")
    assert "for 1 of them documents are set aside" in page


def test_what_could_not_be_judged_says_why():
    broken = ExpectationResult(Expectation(NOT_NULL, "Order", "a", "a", "…"), 0, 0, error="no <b> such column")
    assert "no <b> such column" in text_of(page_of(judged(broken)))


HOSTILE = st.one_of(
    st.text(st.one_of(st.characters(codec="utf-8"), st.sampled_from("<>&\"'$%{}`*_~[]\\|!()#\n\ue000")), max_size=60),
    st.sampled_from(["$column", "${column}", "<script>alert(1)</script>", "{{ 7 * 7 }}", "&#60;b&#62;", "\ue000"]),
)


@settings(deadline=None, max_examples=25)
@given(HOSTILE, HOSTILE, HOSTILE)
def test_nothing_that_a_site_wrote_becomes_a_tag_a_parameter_or_a_template(name, value, reason):
    safe = page_of(judged(_of("n", "v", "r"), doctype="d", satellite="s"))
    page = page_of(judged(_of(name, value, reason), doctype=name, satellite=value))
    assert re.findall(r"<(/?\w+)", page) == re.findall(r"<(/?\w+)", safe)
    assert not re.search("[\ue000-\uf8ff]", page)


def _of(name: str, value: str, reason: str) -> ExpectationResult:
    options = {"value_set": [value]}
    expectation = Expectation("expect_column_values_to_be_in_set", name, name, f"f{name}", reason, options)
    return ExpectationResult(expectation, 3, 2, (Example(f"d{name}", f"v{value}"),), error="")


def test_a_page_loads_nothing_and_runs_nothing():
    page = page_of(judged(_of("<script>alert(1)</script>", "</style>", "{{ 7 * 7 }} ${column}")))
    index = index_of("north", pages_among([page_path("Order", "rows", AT, ValidationReport())]), ["Order"], AT)
    for html in (page, index):
        assert "default-src 'none'" in html
        assert not re.search(r"<(script|link|img|iframe|object)|https?://|url\(|@import|\son\w+=", html)


def test_the_index_tells_of_each_doctype_how_it_was_and_is_by_the_names_of_pages_alone():
    unmet = ValidationReport((ExpectationResult(Expectation(NOT_NULL, "Order", "a", "a", "…"), 9, 1),))
    later = AT.replace(hour=9)
    paths = [
        page_path("Order", "rows", AT, unmet),
        page_path("Order", "rows", later, ValidationReport()),
        page_path("Straße & Co", "ties", AT, unmet),
        "index.html",
        "order/notes.txt",
    ]
    pages = pages_among(paths)
    assert [(page.at, page.kind, page.judged, page.unmet) for page in pages] == [
        (later, "rows", 0, 0),
        (AT, "ties", 1, 1),
        (AT, "rows", 1, 1),
    ]
    seen = text_of(index_of("north", pages, ["Order"], later))
    assert re.search(r"Rows as they were read .* Order 2026-11-24 09:15 0 ✔ 1 Rows held against each other", seen)
    assert f"{slug('Straße & Co')} 2026-11-24 03:15 1 1" in seen
