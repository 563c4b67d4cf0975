"""Integrity: rows of different documents held against each other in the mothership, after they were merged."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import msgspec

from federation.contract.satellite_schema import DocTypeSchema
from federation.data_docs import DataDocs
from federation.merging import freshness, open_reader
from federation.mothership.errors import QueryFailed
from federation.mothership.interface import Readable
from federation.quality import integrity_sql
from federation.quality.examples import EXAMPLES, Example, shortened, text_of
from federation.quality.integrity_rules import IntegrityRule, StoredColumn, integrity_rules
from federation.quality.report import ExpectationResult, ValidationReport
from federation.settings.model import Settings

Verdicts = Mapping[str, Mapping[str, ValidationReport]]
"""DocType → satellite → how its documents, child rows included, fit those that they are tied to."""

_COLUMNS = 'SELECT table_name, column_name, doctype, fieldname, fieldtype, "type", options, policy'


def judge_integrity(settings: Settings, doctypes: Collection[str] = ()) -> Verdicts:
    """Judge the rules over rows on what analysts see; nothing is changed, and no site is asked.

    Args:
        settings: they name the mothership.
        doctypes: whose documents are judged; all where there are none.

    Raises:
        MothershipError: the mothership can't be read.
    """
    with open_reader(settings) as mothership:
        if mothership is None:
            return {}
        found: dict[str, dict[str, list[ExpectationResult]]] = {}
        for rule in _rules(mothership):
            if not doctypes or rule.doctype in doctypes:
                of_doctype = found.setdefault(rule.doctype, {})
                for satellite, result in _judged(mothership, rule):
                    of_doctype.setdefault(satellite, []).append(result)
        return {
            doctype: {satellite: ValidationReport(tuple(results)) for satellite, results in by_satellite.items()}
            for doctype, by_satellite in found.items()
        }


def document_integrity(settings: Settings, verdicts: Verdicts) -> Mapping[str, Mapping[str, str]]:
    """Write a page of Data Docs for each verdict, where the satellite's others are.

    Returns:
        DocType → satellite → the page's path or URL, "" where it can't be written; a warning says why.
    """
    if not verdicts:
        return {}
    known = {fresh.doctype for fresh in freshness(settings)}
    docs = {
        satellite: DataDocs(settings, satellite)
        for satellite in sorted({satellite for by_satellite in verdicts.values() for satellite in by_satellite})
        if satellite in settings.satellites
    }
    pages = {
        doctype: {
            satellite: docs[satellite].write(doctype, "ties", report)
            for satellite, report in by_satellite.items()
            if satellite in docs
        }
        for doctype, by_satellite in verdicts.items()
    }
    for written in docs.values():
        written.close(known)
    return pages


def _rules(mothership: Readable) -> list[IntegrityRule]:
    columns = [StoredColumn(*row) for row in _rows(mothership, f"{_COLUMNS} FROM federation_dictionary")]
    children: dict[str, dict[str, str]] = {}
    for (text,) in _rows(mothership, 'SELECT "schema" FROM federation_schema ORDER BY satellite, doctype'):
        version = msgspec.json.decode(str(text), type=DocTypeSchema)
        if not version.is_child:
            children.setdefault(version.doctype, {}).update(version.tables)
    return integrity_rules(columns, children)


def _judged(mothership: Readable, rule: IntegrityRule) -> Iterator[tuple[str, ExpectationResult]]:
    try:
        verdicts = _rows(mothership, integrity_sql.verdicts(rule.cases))
        for satellite, judged, failing in verdicts:
            named = _rows(mothership, integrity_sql.examples(rule.cases, satellite, EXAMPLES)) if failing else []
            examples = tuple(_example(*row) for row in named)
            yield satellite, ExpectationResult(rule.expectation, int(judged), int(failing), examples)
    except QueryFailed as error:
        yield "", ExpectationResult(rule.expectation, 0, 0, error=str(error))


def _example(document: object, found: object, due: object) -> Example:
    """Of a sum, what stands there and what should."""
    value = text_of(found) if due is None else f"{text_of(found)}, not {text_of(due)}"
    return Example(str(document), shortened(value))


def _rows(mothership: Readable, sql: str) -> list[tuple[Any, ...]]:
    answer = mothership.query(sql).read_all()
    return list(zip(*(column.to_pylist() for column in answer.columns), strict=True))
