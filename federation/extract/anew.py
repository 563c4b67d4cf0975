"""Anew: documents that were judged by other rules than today's, and must be read again because of it."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from federation.contract.names import NAME
from federation.extract.context import RunContext
from federation.extract.documents import DocumentReading
from federation.extract.errors import ExpectationNotJudged
from federation.extract.suites import Suites, rules_of
from federation.lake.manifest import DocTypeState
from federation.lake.standing import LOST, accepted_rows, names_patched, names_set_aside
from federation.quality import judge


def to_read_anew(
    context: RunContext, reading: DocumentReading, state: DocTypeState, suites: Suites, walk: str
) -> list[str]:
    """Return the names of documents on the lake that today's rules may judge otherwise than they were.

    Those set aside are all among them. Of those accepted only the ones that fail a rule as the lake has them: the lake
    tells that without a request to the site, and what the site says of them then decides.

    Args:
        context: the run.
        reading: how the DocType is read.
        state: what was judged by which rules.
        suites: today's rules.
        walk: the walk under way; what it committed earlier counts too.

    Raises:
        ExpectationNotJudged: the engine couldn't judge an expectation that rejects.
    """
    rules = rules_of(reading, suites)
    names: dict[str, None] = {}
    if state.rejected_by != rules.reading:
        names.update(dict.fromkeys(names_set_aside(context.run.folder, context.run.log, reading.doctype)))
    if state.accepted_by != rules.accepting:
        names.update(dict.fromkeys(_failing(context, reading, suites, walk)))
    return list(names)


def _failing(context: RunContext, reading: DocumentReading, suites: Suites, walk: str) -> Iterator[str]:
    run = context.run
    for table in (reading.parent, *reading.children):
        doctype = table.table.doctype
        types = {column.name: column.type for column in table.table.columns}
        suite = [each for each in suites.get(doctype, ()) if each.rejects]
        columns = dict.fromkeys(name for each in suite for name in each.columns)
        if not columns:
            continue
        owner = NAME if table is reading.parent else "parent"
        yield from names_patched(run.folder, run.log, reading.doctype, doctype, list(columns), walk=walk)
        schema = pa.schema([(name, types[name]) for name in {owner: None, **columns}])
        for rows in accepted_rows(
            run.folder, run.log, reading.doctype, doctype, schema, walk=walk, at_once=context.limits.batch_rows
        ):
            yield from map(str, rows.filter(rows.column(LOST)).column(owner).to_pylist())
            judgement = judge(rows, suite, document=owner)
            for result in judgement.report.results:
                if result.error:
                    raise ExpectationNotJudged(table.satellite, result.expectation, result.error)
            for failing in judgement.failing.values():
                yield from map(str, pc.unique(rows.column(owner).take(failing)).to_pylist())
