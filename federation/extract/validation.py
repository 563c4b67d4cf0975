"""Validation: a batch's rows are judged by their expectations before they are packaged."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from federation.contract.names import NAME, OBSERVED
from federation.extract.context import RunContext
from federation.extract.documents import DocumentReading, Fault
from federation.extract.errors import ExpectationNotJudged
from federation.extract.suites import rules_of, suites_of
from federation.lake.manifest import Breach
from federation.lake.packages import CHILD_KEYS, PATCH_KEYS
from federation.quality import Expectation, Judgement, ValidationReport, judge, text_of

_EXCERPT = 200
Rejected = Mapping[datetime, Mapping[str, tuple[Fault, ...]]]
"""`observed` of a version (naive, UTC) → name of the document → its faults. A batch may hold two versions of one."""
_Faulty = tuple[str, datetime, Fault]
"""Name and `observed` of a version, and what is wrong with it."""


class BatchValidation:
    """Collects the columns that have expectations, page by page, and judges them batch by batch.

    Attributes:
        reports: DocType, own and child → what came of its rows so far.
        rejects: some expectation sets documents aside.
        suites: what rows have to meet.
        rules: its fingerprints.
    """

    def __init__(self, context: RunContext, reading: DocumentReading) -> None:
        """Choose the expectations of a DocType.

        Raises:
            UnfitExpectations: the user's own ask for what the satellite doesn't have.
        """
        self._satellite = reading.parent.satellite
        self.suites = suites_of(reading, context.expected) if context.expected else {}
        self.rules = rules_of(reading, self.suites)
        tables = (reading.parent, *reading.children)
        self._altered = {
            table.table.doctype: [field.column.name for field in table.fields if field.is_altered] for table in tables
        }
        self._owner = {doctype: NAME if doctype == reading.doctype else "parent" for doctype in self.suites}
        self._batches: dict[str, list[pa.Table]] = {doctype: [] for doctype in self.suites}
        self.reports: dict[str, ValidationReport] = {}
        erased = context.suppression.pseudonyms.values()
        self._pseudonyms = pa.array([each for some in erased for each in some], pa.string())
        self._breaches: dict[tuple[str, str, str], int] = {}
        self.rejects = any(expectation.rejects for suite in self.suites.values() for expectation in suite)

    def add(self, tables: Mapping[str, pa.Table]) -> None:
        """Take note of rows that will be packaged."""
        for doctype, suite in self.suites.items():
            rows = tables.get(doctype)
            if rows is not None and rows.num_rows:
                needed = {self._owner[doctype], OBSERVED, *(name for each in suite for name in each.columns)}
                self._batches[doctype].append(rows.select([name for name in rows.column_names if name in needed]))

    def judge(self) -> Rejected:
        """Judge what came since the last time, add it to the reports, and return what must be set aside.

        Raises:
            ExpectationNotJudged: the engine couldn't judge an expectation that rejects.
        """
        rejected: defaultdict[datetime, defaultdict[str, list[Fault]]] = defaultdict(lambda: defaultdict(list))
        for doctype, pages in self._batches.items():
            for rows in _alike(pages):
                judgement = self._judged(doctype, rows, self.suites[doctype])
                known = self.reports.get(doctype)
                self._note_breaches(doctype, judgement.report)
                self.reports[doctype] = judgement.report if known is None else known.merge(judgement.report)
                for expectation, failing in judgement.failing.items():
                    found = self._faults(doctype, rows, expectation, failing) if expectation.rejects else ()
                    for name, observed, fault in found:
                        rejected[observed][name].append(fault)
            pages.clear()
        return {
            observed: {name: tuple(faults) for name, faults in by_name.items()}
            for observed, by_name in rejected.items()
        }

    def take_breaches(self) -> tuple[Breach, ...]:
        """Return the expectations of severity `halt` that rows failed since the last time."""
        breaches, self._breaches = self._breaches, {}
        return tuple(Breach(rule, fieldname, reason, rows) for (rule, fieldname, reason), rows in breaches.items())

    def unfit_for_patch(self, doctype: str, rows: pa.Table) -> list[str]:
        """Return the documents of which a patch must not set the columns that it carries.

        They fail a strict rule, or that can't be told: it looks at a column beside that the patch doesn't carry.
        """
        patched = set(rows.column_names) - {*PATCH_KEYS, *CHILD_KEYS}
        touched = [each for each in self.suites.get(doctype, ()) if each.is_strict and patched & {*each.columns}]
        if not touched or not rows.num_rows:
            return []
        owners = rows.column(self._owner[doctype])
        if any(not set(rows.column_names).issuperset(each.columns) for each in touched):
            return [str(name) for name in owners.unique().to_pylist()]
        judgement = self._judged(doctype, rows, touched)
        return list({str(name) for failing in judgement.failing.values() for name in owners.take(failing).to_pylist()})

    def _judged(self, doctype: str, rows: pa.Table, suite: list[Expectation]) -> Judgement:
        judgement = judge(rows, suite, document=self._owner[doctype], hidden=self._altered[doctype])
        for result in judgement.report.results:
            if result.error and result.expectation.is_strict:
                raise ExpectationNotJudged(self._satellite, result.expectation, result.error)
        if not len(self._pseudonyms):
            return judgement
        failing = {each: self._of_the_living(rows, each, some) for each, some in judgement.failing.items()}
        return replace(judgement, failing={each: some for each, some in failing.items() if len(some)})

    def _of_the_living(self, rows: pa.Table, expectation: Expectation, failing: pa.Array) -> pa.Array:
        """Without rows that fail a rule on a link because it leads to the pseudonym of an erased document."""
        for column in expectation.columns:
            cells = rows.column(column)
            if pa.types.is_string(cells.type):
                failing = failing.filter(pc.invert(pc.is_in(cells.take(failing), value_set=self._pseudonyms)))
        return failing

    def _note_breaches(self, doctype: str, report: ValidationReport) -> None:
        for result in report.failed:
            if (each := result.expectation).severity == "halt":
                told = (each.type, each.fieldname, self._place(doctype) + each.reason)
                self._breaches[told] = self._breaches.get(told, 0) + result.failing

    def _place(self, doctype: str) -> str:
        """What stands before the reason of a rule about child rows."""
        return "" if self._owner[doctype] == NAME else f"{doctype}: "

    def _faults(self, doctype: str, rows: pa.Table, expectation: Expectation, failing: pa.Array) -> Iterator[_Faulty]:
        """One a version of a document, however many of its child rows fail."""
        owner = self._owner[doctype]
        failed = rows.select([*dict.fromkeys((owner, OBSERVED, *expectation.columns))]).take(failing)
        numbered = failed.select([owner, OBSERVED]).append_column("row", pa.array(range(failed.num_rows)))
        first = numbered.group_by([owner, OBSERVED]).aggregate([("row", "min")]).column("row_min")
        chosen = failed.take(first)
        cells = zip(*(chosen.column(column).to_pylist() for column in expectation.columns), strict=True)
        versions = zip(chosen.column(owner).to_pylist(), chosen.column(OBSERVED).to_pylist(), strict=True)
        reason = self._place(doctype) + expectation.reason
        for (name, observed), values in zip(versions, cells, strict=True):
            value = ", ".join(map(text_of, values))[:_EXCERPT]
            yield name, observed, Fault(expectation.type, expectation.fieldname, value, reason)


def _alike(pages: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Return pages of the same columns as one table: where a site leaves a field out, no document lacks a value."""
    by_columns: dict[tuple[str, ...], list[pa.Table]] = {}
    for page in pages:
        by_columns.setdefault(tuple(page.column_names), []).append(page)
    return map(pa.concat_tables, by_columns.values())
