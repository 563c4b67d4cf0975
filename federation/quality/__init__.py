"""Quality: what a conformed row has to meet, judged by Great Expectations, and what becomes of rows that don't."""

from __future__ import annotations

from federation.quality.expectation import Expectation
from federation.quality.markdown import as_markdown
from federation.quality.report import ExpectationResult, ValidationReport
from federation.quality.suite import expectations_of
from federation.quality.validate import validate

__all__ = ["Expectation", "ExpectationResult", "ValidationReport", "as_markdown", "expectations_of", "validate"]
