"""Quality: what a conformed row has to meet, judged by Great Expectations, and what becomes of rows that don't."""

from __future__ import annotations

from federation.quality.examples import Example, text_of
from federation.quality.expectation import Expectation
from federation.quality.report import ExpectationResult, ValidationReport
from federation.quality.suite import expectations_of
from federation.quality.validate import Judgement, judge, validate
from federation.quality.written import UnfitExpectation, bound_to

__all__ = [
    "Example",
    "Expectation",
    "ExpectationResult",
    "Judgement",
    "UnfitExpectation",
    "ValidationReport",
    "bound_to",
    "expectations_of",
    "judge",
    "text_of",
    "validate",
]
