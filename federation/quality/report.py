"""Report: what came of judging rows, mergeable over the batches of a walk and the tables of a DocType."""

from __future__ import annotations

from dataclasses import dataclass, replace

from federation.quality.examples import EXAMPLES, Example
from federation.quality.expectation import Expectation


@dataclass(frozen=True, slots=True)
class ExpectationResult:
    """How rows met one expectation.

    Attributes:
        rows: rows judged.
        failing: rows among them that don't meet it.
        examples: the first different documents with failing rows.
        error: why the rule could not be judged, "" where it was; rows it wasn't judged on count in neither number.
    """

    expectation: Expectation
    rows: int
    failing: int
    examples: tuple[Example, ...] = ()
    error: str = ""

    @property
    def documents(self) -> tuple[str, ...]:
        """The names of the examples."""
        return tuple(example.document for example in self.examples)

    @property
    def passed(self) -> bool:
        """Every row was judged, and as many meet the expectation as it wants to: all, but for one with `mostly`."""
        mostly = self.expectation.arguments.get("mostly", 1)
        missed = (1 - mostly) * self.rows if isinstance(mostly, int | float) else 0
        return self.failing <= missed and not self.error

    @property
    def percent(self) -> float:
        """Failing rows among those judged, 0 to 100."""
        return 100 * self.failing / self.rows if self.rows else 0.0


@dataclass(frozen=True, slots=True)
class ValidationReport:
    """How rows met their expectations, one result an expectation, in the order of the suite.

    Attributes:
        examples: how many documents a result names at most.
    """

    results: tuple[ExpectationResult, ...] = ()
    examples: int = EXAMPLES

    @property
    def passed(self) -> bool:
        """Every expectation is met."""
        return all(result.passed for result in self.results)

    @property
    def failed(self) -> tuple[ExpectationResult, ...]:
        """The results that didn't pass."""
        return tuple(result for result in self.results if not result.passed)

    def merge(self, later: ValidationReport) -> ValidationReport:
        """Return both reports as one: counts add up, the documents named first stay first.

        Uniqueness stays what it was judged as: within each batch, not across them.
        """
        merged = {result.expectation: result for result in self.results}
        for result in later.results:
            known = merged.get(result.expectation)
            merged[result.expectation] = result if known is None else _sum(known, result, self.examples)
        return replace(self, results=tuple(merged.values()))


def _sum(first: ExpectationResult, later: ExpectationResult, examples: int) -> ExpectationResult:
    by_document = {example.document: example for example in (*later.examples, *first.examples)}
    documents = dict.fromkeys((*first.documents, *later.documents))
    return ExpectationResult(
        first.expectation,
        first.rows + later.rows,
        first.failing + later.failing,
        tuple(by_document[document] for document in documents)[:examples],
        first.error or later.error,
    )
