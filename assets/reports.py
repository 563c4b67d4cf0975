"""Reports: what came of judging rows as tables of the UI: all rules with their counts, and documents that fail."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import dagster as dg

from federation.quality import ExpectationResult, ValidationReport

Row = Mapping[str, str | int]
_LONGEST_TEXT: Final = 200


def report_tables(report: ValidationReport) -> Mapping[str, dg.MetadataValue]:
    """Return the tables, those without rows left out; what isn't met comes first."""
    results = sorted(report.results, key=lambda result: result.passed)
    tables = {
        "rules": [_rule(result) for result in results],
        "examples": [example for result in results for example in _examples(result)],
    }
    return {name: _table(rows) for name, rows in tables.items() if rows}


def satellite_tables(by_satellite: Mapping[str, ValidationReport]) -> Mapping[str, dg.MetadataValue]:
    """Return one table of satellites, and those of `report_tables` with the satellite in front of each row."""
    tables: dict[str, list[Row]] = {
        "satellites": [
            {
                "satellite": satellite or "all",
                "rules": len(report.results),
                "unmet": len(report.failed),
                "failing rows": sum(result.failing for result in report.failed),
            }
            for satellite, report in by_satellite.items()
        ],
        "rules": _of_satellites(by_satellite, lambda result: [_rule(result)]),
        "examples": _of_satellites(by_satellite, _examples),
    }
    return {name: _table(rows) for name, rows in tables.items() if rows}


def _of_satellites(
    by_satellite: Mapping[str, ValidationReport], rows_of: Callable[[ExpectationResult], Iterable[Row]]
) -> list[Row]:
    results = [(satellite, result) for satellite, report in by_satellite.items() for result in report.results]
    return [
        {"satellite": satellite or "all", **row}
        for satellite, result in sorted(results, key=lambda judged: judged[1].passed)
        for row in rows_of(result)
    ]


def _rule(result: ExpectationResult) -> Row:
    expectation = result.expectation
    return {
        "status": "met" if result.passed else "unjudged" if result.error else "unmet",
        "rule": f"{expectation.reason} Not judged: {result.error}" if result.error else expectation.reason,
        "DocType": expectation.doctype,
        "field": expectation.fieldname,
        "severity": expectation.severity,
        "rows": result.rows,
        "failing": result.failing,
        "%": _percent(result),
    }


def _examples(result: ExpectationResult) -> Iterable[Row]:
    expectation = result.expectation
    for example in result.examples:
        yield {
            "document": example.document,
            "DocType": expectation.doctype,
            "field": expectation.fieldname,
            "value": example.value,
            "reason": expectation.reason,
            "severity": expectation.severity,
        }


def _percent(result: ExpectationResult) -> str:
    return "< 0.01" if 0 < result.percent < 0.01 else f"{result.percent:.2f}"  # noqa: PLR2004 (two decimals)


def _table(rows: Sequence[Row]) -> dg.TableMetadataValue:
    records = [dg.TableRecord({name: _printable(value) for name, value in row.items()}) for row in rows]
    columns = [
        dg.TableColumn(name, type="int" if isinstance(value, int) else "string") for name, value in rows[0].items()
    ]
    return dg.MetadataValue.table(records, schema=dg.TableSchema(columns=columns))


def _printable(value: str | int) -> str | int:
    """The UI shows text as text; what a site wrote is no longer than can be read there."""
    if isinstance(value, int):
        return value
    shown = value if len(value) <= _LONGEST_TEXT else f"{value[:_LONGEST_TEXT]}…"
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in shown)
