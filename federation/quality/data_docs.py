"""Data Docs: a report as Great Expectations' own results, on a page that its own renderers and templates make."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import ChoiceLoader, FileSystemLoader

from federation.quality.examples import Example
from federation.quality.expectation import UNEXPECTED_ROWS, Expectation
from federation.quality.report import ExpectationResult, ValidationReport
from federation.settings.expectations import Severity

_COSTS: Final[Mapping[Severity, str]] = {
    "warn": "warns",
    "reject": "rejects the document",
    "halt": "holds what was read back",
}
_SPECIAL: Final = "<>&\"'$%{}`*_~[]\\\n\r"
"""Characters that mean something to HTML, to string templates or to Markdown."""
_FIRST_STAND_IN: Final = 0xE000
_STAND_INS: Final = {ord(character): _FIRST_STAND_IN + at for at, character in enumerate(_SPECIAL)}
_ENTITIES: Final = {stand_in: f"&#{character};" for character, stand_in in _STAND_INS.items()}
_PRIVATE: Final = re.compile("[\ue000-\uf8ff]")


@dataclass(frozen=True, slots=True)
class Judged:
    """What a page of Data Docs is about.

    Attributes:
        satellite, doctype: whose documents were judged.
        what: what of them, in a few words.
        at: when (UTC).
        report: how they met their expectations.
    """

    satellite: str
    doctype: str
    what: str
    at: datetime
    report: ValidationReport


def suite_result(judged: Judged) -> Any:  # noqa: ANN401 (Great Expectations' type, whose import is the cost)
    """Return a report as Great Expectations' `ExpectationSuiteValidationResult`.

    Counts are those that the engine gave batch by batch, or that the mothership gave for rules over rows.
    """
    from great_expectations import __version__
    from great_expectations.core import RunIdentifier
    from great_expectations.core.expectation_validation_result import ExpectationSuiteValidationResult

    results = judged.report.results
    met = len(results) - len(judged.report.failed)
    return ExpectationSuiteValidationResult(
        success=judged.report.passed,
        results=[_result(judged.doctype, result) for result in sorted(results, key=_is_met)],
        suite_name=_plain(f"{judged.doctype} at {judged.satellite}: {judged.what}"),
        statistics={
            "evaluated_expectations": len(results),
            "successful_expectations": met,
            "unsuccessful_expectations": len(results) - met,
            "success_percent": 100 * met / len(results) if results else None,
        },
        meta={
            "run_id": RunIdentifier(run_name=f"{judged.at:%Y-%m-%d %H:%M:%S} UTC", run_time=judged.at),
            "great_expectations_version": __version__,
            "batch_spec": {"data_asset_name": _plain(f"{judged.satellite}/{judged.doctype}")},
        },
    )


def page_of(judged: Judged) -> str:
    """Return a report as one page of HTML, that loads nothing from anywhere and runs no script.

    What a site, or a person, wrote goes through the engine's templates under stand-ins, because not all of them escape
    it; the stand-ins become entities when the page is whole.

    The first call in a process imports Great Expectations.
    """
    from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer

    document = ValidationResultsPageRenderer(run_info_at_end=True).render(suite_result(judged)).to_json_dict()
    sections = _unmet_first(judged, document["sections"])
    page = _templates().get_template("data_docs_page.html").render(judged=judged, sections=sections)
    return str(page).translate(_ENTITIES)


def _unmet_first(judged: Judged, sections: list[dict[str, object]]) -> list[dict[str, object]]:
    """The engine sorts fields by name; a reader wants the unmet first, behind the overview."""
    unmet = {_field(judged.doctype, result.expectation) for result in judged.report.failed}
    overview, *fields, run = sections
    return [overview, *sorted(fields, key=lambda section: section["section_name"] not in unmet), run]


def _result(doctype: str, result: ExpectationResult) -> Any:  # noqa: ANN401 (Great Expectations' type)
    from great_expectations.core.expectation_validation_result import ExpectationValidationResult
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
    from great_expectations.expectations.metadata_types import FailureSeverity

    expectation = result.expectation
    configuration = ExpectationConfiguration(
        type=expectation.type,
        kwargs=_arguments(doctype, expectation),
        description=_plain(f"{expectation.reason} ({_COSTS[expectation.severity]})"),
        severity=FailureSeverity.CRITICAL if expectation.is_strict else FailureSeverity.WARNING,
    )
    return ExpectationValidationResult(
        success=result.passed,
        expectation_config=configuration,
        result=_found(result),
        exception_info={
            "raised_exception": bool(result.error),
            "exception_message": _plain(result.error),
            "exception_traceback": "",
        },
    )


def _is_met(result: ExpectationResult) -> bool:
    return result.passed


def _arguments(doctype: str, expectation: Expectation) -> dict[str, object]:
    field = _field(doctype, expectation)
    if expectation.type == UNEXPECTED_ROWS:
        return {**expectation.arguments}
    if expectation.other:
        return {"column_A": field, "column_B": _plain(expectation.other), **expectation.arguments}
    return {"column": field, **expectation.arguments}


def _field(doctype: str, expectation: Expectation) -> str:
    """The field under its own name, with the child DocType that it belongs to."""
    child = "" if expectation.doctype == doctype else f"{expectation.doctype}: "
    return _plain(f"{child}{expectation.fieldname}")


def _found(result: ExpectationResult) -> dict[str, object]:
    values = [_plain(example.value) for example in result.examples]
    return {
        "element_count": result.rows,
        "unexpected_count": result.failing,
        "unexpected_percent": result.percent,
        "observed_value": f"{result.failing:,} failing of {result.rows:,}",
        "partial_unexpected_list": values,
        "partial_unexpected_counts": [{"value": value, "count": 1} for value in values],
        "unexpected_index_list": [_index(example) for example in result.examples],
        "unexpected_index_column_names": ["Document"],
    }


def _index(example: Example) -> dict[str, str]:
    return {"Document": _plain(example.document), "value": _plain(example.value)}


def _plain(text: str) -> str:
    """Return a text in which nothing means anything to a template, until the page is whole."""
    return _PRIVATE.sub("\N{REPLACEMENT CHARACTER}", text).translate(_STAND_INS)


@cache
def _templates() -> Any:  # noqa: ANN401 (jinja2's type, as Great Expectations made it)
    """Return the engine's templates, and ours beside them: its pages load scripts and styles from six other hosts."""
    from great_expectations.render.view.view import DefaultJinjaPageView

    environment = DefaultJinjaPageView().env
    theirs = [environment.loader] if environment.loader else []
    environment.loader = ChoiceLoader([FileSystemLoader(Path(__file__).parent), *theirs])
    return environment
