"""Validate: Great Expectations judges the rows of an Arrow table."""

from __future__ import annotations

import os
import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from federation.contract.names import NAME
from federation.quality.examples import EXAMPLES, examples_of
from federation.quality.expectation import Expectation
from federation.quality.report import ExpectationResult, ValidationReport

if TYPE_CHECKING:
    import pandas as pd

_LOOKED_THROUGH: Final = 1_000
"""Failing rows among which different documents are looked for: a document may own many failing child rows."""
_LONGEST_ERROR: Final = 200
_ONE_AT_A_TIME: Final = threading.Lock()
"""Great Expectations keeps state for the whole process, and two frames at once would double the memory."""


def validate(
    table: pa.Table, expectations: Sequence[Expectation], *, examples: int = EXAMPLES, document: str = NAME
) -> ValidationReport:
    """Return how the rows of `table` meet `expectations`: the report of `judge`."""
    return judge(table, expectations, examples=examples, document=document).report


@dataclass(frozen=True, slots=True)
class Judgement:
    """What came of judging a table.

    Attributes:
        report: how its rows meet their expectations.
        failing: strict expectation → the numbers of all rows that fail it, int64; those that none fails left out.
    """

    report: ValidationReport
    failing: Mapping[Expectation, pa.Array]


def judge(
    table: pa.Table,
    expectations: Sequence[Expectation],
    *,
    examples: int = EXAMPLES,
    document: str = NAME,
    hidden: Collection[str] = (),
) -> Judgement:
    """Return how the rows of `table` meet `expectations`, and which rows are to be rejected.

    An expectation about a column that the table doesn't carry (refused by the site, say) has no result. One that Great
    Expectations can't judge has a result with an error, and doesn't pass. Uniqueness is judged within the table.

    The first call in a process imports Great Expectations: about 2.5 CPU seconds and 120 MB on top of Arrow. A call
    without rows or without expectations doesn't.

    Args:
        table: rows of one DocType in the contract's Arrow types.
        expectations: of that DocType; each takes the rows of a column or two.
        examples: how many documents each result names at most.
        document: the column that names a row's document: `name`, or `parent` in a child table.
        hidden: columns whose values no example shows.
    """
    carried = set(table.column_names)
    judged = [expectation for expectation in expectations if carried.issuperset(expectation.columns)]
    if not judged or not table.num_rows:
        return Judgement(ValidationReport(tuple(ExpectationResult(each, 0, 0) for each in judged), examples), {})
    with _ONE_AT_A_TIME:
        verdicts = _verdicts(table, judged)
    results = []
    failing = {}
    for expectation, verdict in zip(judged, verdicts, strict=True):
        results.append(_result(expectation, verdict, table, examples, document=document, hidden=hidden))
        if expectation.is_strict and results[-1].failing:
            failing[expectation] = pa.array(verdict.result["unexpected_index_list"], pa.int64())
    return Judgement(ValidationReport(tuple(results), examples), failing)


def _verdicts(table: pa.Table, expectations: Sequence[Expectation]) -> list[Any]:
    """Return Great Expectations' results in the order of `expectations`."""
    # Columns go by number: no name that a site chose meets the engine's own rules about names.
    columns = {column: None for each in expectations for column in each.columns}
    aliases = {column: f"column_{number}" for number, column in enumerate(columns)}
    frame = _frame(table, aliases)
    verdicts: dict[int, Any] = {}
    try:
        batch = _batches().get_batch(batch_parameters={"dataframe": frame})
        for is_strict in (False, True):
            rules = [
                _rule(position, expectation, aliases)
                for position, expectation in enumerate(expectations)
                if expectation.is_strict is is_strict
            ]
            for verdict in _validated(batch, rules, every_row=is_strict) if rules else ():
                # It answers in an order of its own.
                verdicts[verdict.expectation_config.meta["position"]] = verdict
    finally:
        # The engine holds on to its last frame; empty, it costs nothing until the next call.
        for alias in aliases.values():
            del frame[alias]
    return [verdicts[position] for position in range(len(expectations))]


def _rule(position: int, expectation: Expectation, aliases: Mapping[str, str]) -> dict[str, object]:
    names = ("column_A", "column_B") if expectation.other else ("column",)
    columns = {name: aliases[column] for name, column in zip(names, expectation.columns, strict=True)}
    return {"type": expectation.type, "kwargs": {**columns, **expectation.arguments}, "meta": {"position": position}}


def _validated(
    batch: Any,  # noqa: ANN401 (Great Expectations' type)
    rules: list[dict[str, object]],
    *,
    every_row: bool,
) -> Any:  # noqa: ANN401 (Great Expectations' type)
    from great_expectations import ExpectationSuite

    # Row numbers, not `unexpected_index_column_names`: naming each failing row in the engine is a Python loop over
    # them, which takes minutes where all rows fail. No value is collected either.
    return batch.validate(
        ExpectationSuite(name="federation", expectations=[*rules]),
        result_format={
            "result_format": "COMPLETE" if every_row else "SUMMARY",
            "partial_unexpected_count": _LOOKED_THROUGH,
            "exclude_unexpected_values": True,
            "return_unexpected_index_query": False,
        },
    ).results


@cache
def _batches() -> Any:  # noqa: ANN401 (Great Expectations' type, whose import is the cost)
    """Return the batch definition that takes frames, in a context that stores, sends and prints nothing."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    from great_expectations import get_context
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    source = context.data_sources.add_pandas("federation")
    return source.add_dataframe_asset("batch").add_batch_definition_whole_dataframe("batch")


def _frame(table: pa.Table, aliases: Mapping[str, str]) -> pd.DataFrame:
    """Return the columns under their aliases, in dtypes that pandas computes with and not in objects a cell."""
    columns = [_computable(table.column(column)) for column in aliases]
    frame: pd.DataFrame = pa.table(columns, names=list(aliases.values())).to_pandas(date_as_object=False)
    return frame


def _computable(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_decimal(column.type):
        return column.cast(pa.float64())
    if pa.types.is_time(column.type):
        return column.cast(pa.int64())
    return column


def _result(
    expectation: Expectation,
    verdict: Any,  # noqa: ANN401 (Great Expectations' type)
    table: pa.Table,
    examples: int,
    *,
    document: str,
    hidden: Collection[str],
) -> ExpectationResult:
    if error := _error(verdict.exception_info):
        return ExpectationResult(expectation, 0, 0, error=error)
    found = verdict.result
    failing = pa.array(found["partial_unexpected_index_list"], pa.int64())
    rows = table.select([*dict.fromkeys((document, *expectation.columns))]).take(failing)
    named = examples_of(rows, document, expectation.columns, examples, hidden)
    return ExpectationResult(expectation, found["element_count"], found["unexpected_count"], named)


def _error(told: Mapping[str, Any]) -> str:
    """Return what stopped an expectation: told once for it, or once for each of its metrics."""
    raised = [told] if "raised_exception" in told else list(told.values())
    messages = dict.fromkeys(str(each["exception_message"]) for each in raised if each["raised_exception"])
    return " ".join(messages)[:_LONGEST_ERROR]
