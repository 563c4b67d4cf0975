"""Expectation: one rule about a column or two, or over rows, in Great Expectations' own names and arguments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from federation.settings.expectations import Severity

UNEXPECTED_ROWS: Final = "unexpected_rows_expectation"
"""Great Expectations' name of a rule that SQL judges: rows that its query finds are not expected."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """What every row of a table has to meet in one column.

    Attributes:
        type: Great Expectations' name of the rule, such as `expect_column_values_to_not_be_null`.
        doctype: the DocType whose rows are judged, a child DocType included.
        column: the conformed table's column.
        fieldname: the Frappe field that the column carries.
        reason: the rule for a reader, and where it comes from.
        arguments: Great Expectations' arguments besides the columns.
        severity: what a row that fails it costs.
        other: the second column of a rule about two, else "".
    """

    type: str
    doctype: str
    column: str
    fieldname: str
    reason: str
    arguments: Mapping[str, object] = field(default_factory=dict, hash=False)
    severity: Severity = "warn"
    other: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it looks at."""
        return (self.column, self.other) if self.other else (self.column,)

    @property
    def is_strict(self) -> bool:
        """A row that fails it isn't just loaded."""
        return self.severity != "warn"

    @property
    def rejects(self) -> bool:
        """A document with a row that fails it is set aside."""
        return self.severity == "reject"
