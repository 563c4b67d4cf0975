"""Specification of reports: batches add up, and the first offenders stay."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from federation.quality import Example, Expectation, ExpectationResult, ValidationReport

RULE = Expectation("expect_column_values_to_be_unique", "ToDo", "name", "name", "No two rows have the same ID.")
OTHER = Expectation("expect_column_values_to_not_be_null", "ToDo Item", "qty", "qty", "Quantity is mandatory.")


def report(expectation: Expectation, rows: int, failing: int, *documents: str, error: str = "") -> ValidationReport:
    return ValidationReport((ExpectationResult(expectation, rows, failing, tuple(map(Example, documents)), error),))


def test_counts_of_batches_add_up_and_the_first_documents_stay():
    merged = report(RULE, 10, 4, "a", "b", "c", "d").merge(report(RULE, 30, 3, "c", "e", "f"))
    assert merged.results == (ExpectationResult(RULE, 40, 7, tuple(map(Example, "abcde"))),)
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


def test_an_empty_report_passes():
    assert ValidationReport().passed


def test_a_document_is_shown_with_the_value_that_was_found_first():
    first = ValidationReport((ExpectationResult(RULE, 9, 1, (Example("a", "1"), Example("b", "2"))),))
    later = ValidationReport((ExpectationResult(RULE, 9, 1, (Example("b", "9"), Example("c", "3"))),))
    assert first.merge(later).results[0].examples == (Example("a", "1"), Example("b", "2"), Example("c", "3"))
