"""Validation: a batch's rows are judged by their expectations before they are packaged."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from federation.extract.documents import DocumentReading
from federation.quality import Expectation, ValidationReport, expectations_of, validate


class BatchValidation:
    """Collects the columns that have expectations, page by page, and judges them batch by batch.

    Attributes:
        reports: DocType, own and child → what came of its rows so far.
    """

    def __init__(self, reading: DocumentReading, *, enabled: bool, frappe_major: int | None) -> None:
        tables = (reading.parent, *reading.children) if enabled else ()
        self._suites: dict[str, list[Expectation]] = {}
        self._document: dict[str, str] = {}
        for table in tables:
            altered = [field.column.name for field in table.fields if field.is_altered]
            self._suites[table.table.doctype] = expectations_of(table.table, altered=altered, frappe_major=frappe_major)
            self._document[table.table.doctype] = "name" if table is reading.parent else "parent"
        self._batches: dict[str, list[pa.Table]] = {doctype: [] for doctype in self._suites}
        self.reports: dict[str, ValidationReport] = {}

    def add(self, tables: Mapping[str, pa.Table]) -> None:
        """Take note of rows that will be packaged."""
        for doctype, suite in self._suites.items():
            rows = tables.get(doctype)
            if rows is not None and rows.num_rows:
                needed = {self._document[doctype], *(expectation.column for expectation in suite)}
                self._batches[doctype].append(rows.select([name for name in rows.column_names if name in needed]))

    def judge(self) -> None:
        """Judge what came since the last time and add it to the reports."""
        for doctype, pages in self._batches.items():
            if pages:
                rows = pa.concat_tables(pages, promote_options="default")
                report = validate(rows, self._suites[doctype], document=self._document[doctype])
                known = self.reports.get(doctype)
                self.reports[doctype] = report if known is None else known.merge(report)
                pages.clear()
