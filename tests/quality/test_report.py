"""Specification of reports: batches add up, and a table of the offenders can be shown whatever they are called."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from federation.quality import Expectation, ExpectationResult, ValidationReport, as_markdown

RULE = Expectation("expect_column_values_to_be_unique", "ToDo", "name", "name", "No two rows have the same ID.")
OTHER = Expectation("expect_column_values_to_not_be_null", "ToDo Item", "qty", "qty", "Quantity is mandatory.")


def report(expectation: Expectation, rows: int, failing: int, *documents: str, error: str = "") -> ValidationReport:
    return ValidationReport((ExpectationResult(expectation, rows, failing, documents, error),))


def test_counts_of_batches_add_up_and_the_first_documents_stay():
    merged = report(RULE, 10, 4, "a", "b", "c", "d").merge(report(RULE, 30, 3, "c", "e", "f"))
    assert merged.results == (ExpectationResult(RULE, 40, 7, ("a", "b", "c", "d", "e")),)
    assert merged.results[0].percent == 17.5


def test_reports_of_a_document_and_its_child_tables_stand_side_by_side():
    merged = report(RULE, 1, 0).merge(report(OTHER, 5, 1, "a"))
    assert [result.expectation for result in merged.results] == [RULE, OTHER]
    assert (merged.passed, len(merged.failed)) == (False, 1)


def test_options_that_changed_between_batches_are_two_expectations():
    def options(*allowed: str) -> Expectation:
        return Expectation(
            "expect_column_values_to_be_in_set", "ToDo", "status", "status", "…", {"value_set": [*allowed]}
        )

    assert len(report(options("A"), 1, 0).merge(report(options("A", "B"), 1, 0)).results) == 2


def test_an_error_in_one_batch_is_kept_beside_the_counts_of_another():
    for first, second in (
        (report(RULE, 0, 0, error="no"), report(RULE, 9, 0)),
        (report(RULE, 9, 0), report(RULE, 0, 0, error="no")),
    ):
        (result,) = first.merge(second).results
        assert (result.rows, result.error, result.passed) == (9, "no", False)


BATCHES = st.lists(
    st.tuples(st.integers(0, 9), st.lists(st.sampled_from("abcdefgh"), unique=True, max_size=5)), max_size=6
)


@given(BATCHES, BATCHES)
def test_it_does_not_matter_how_batches_are_grouped(some, others):
    def merged(batches: list[tuple[int, list[str]]]) -> ValidationReport:
        total = ValidationReport()
        for failing, documents in batches:
            total = total.merge(report(RULE, 10, failing, *documents))
        return total

    assert merged(some).merge(merged(others)) == merged(some + others)


def test_an_empty_report_passes_and_says_so():
    assert ValidationReport().passed
    assert as_markdown(ValidationReport()) == "Every expectation (0) is met by 0 rows."
    assert as_markdown(report(RULE, 250_000, 0)) == "Every expectation (1) is met by 250,000 rows."


def test_only_failures_are_listed_with_their_counts_share_and_documents():
    failed = report(OTHER, 250_000, 7, "SINV-1", "SINV-2")
    assert as_markdown(report(RULE, 10, 0).merge(failed)).splitlines() == [
        "| Rule | DocType | Field | Failing rows | Of | Share | Documents |",
        "| --- | --- | --- | ---: | ---: | ---: | --- |",
        r"| Quantity is mandatory\. | ToDo Item | qty | 7 | 250,000 | < 0.01 % | SINV-1, SINV-2, … |",
    ]


def test_what_could_not_be_judged_says_why():
    assert "Not judged\\: no numbers" in as_markdown(report(RULE, 0, 0, error="no numbers"))


HOSTILE = st.text(st.one_of(st.characters(), st.sampled_from("|\\<>[]()`*_~&:/.@#!\n")), max_size=400)


@given(HOSTILE, HOSTILE)
def test_a_name_never_becomes_a_cell_a_tag_a_link_or_a_line(fieldname, name):
    rule = Expectation("expect_column_values_to_be_unique", "ToDo", fieldname, fieldname, fieldname)
    _, _, *lines = as_markdown(report(rule, 1, 1, name)).splitlines()
    (line,) = lines
    unescaped = re.sub(r"\\.", "", line).replace("100.00 %", "")
    assert unescaped.count("|") == 8
    assert not set(unescaped) & set("<>[]()`*_~&:.@#!\\")
    assert line.isprintable()
    assert len(line) < 2_000
