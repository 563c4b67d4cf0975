"""Singles: DocTypes with one document and no list of it: read every run, packaged when something in it changed."""

from __future__ import annotations

import uuid

from msgspec.structs import replace

from federation.extract.context import RunContext
from federation.extract.documents import DocumentReading, read_single
from federation.extract.harvest import Harvest
from federation.extract.outcome import DocTypeOutcome
from federation.lake.manifest import Position


def read_single_doctype(context: RunContext, reading: DocumentReading) -> DocTypeOutcome:
    """Read a Single, and commit it if the lake has it otherwise.

    Raises:
        FrappeError: the site failed.
    """
    state = context.run.state(reading.doctype)
    with Harvest(context, reading, "changes", f"changes-{uuid.uuid4().hex[:12]}") as harvest:
        context.stop_if_asked(reading.doctype)
        observed = context.clock()
        whole = read_single(context.session, reading)
        if whole is not None:
            judge_known = state.accepted_by != harvest.rules.accepting
            harvest.add(whole, observed, [reading.doctype], [True], judge_known=judge_known)
        return complete_at_once(context, reading, harvest)


def complete_at_once(context: RunContext, reading: DocumentReading, harvest: Harvest) -> DocTypeOutcome:
    """End a walk that has read, compared and judged all that there is."""
    read = replace(
        context.run.state(reading.doctype),
        position=Position(),
        begun=context.began,
        through=context.began,
        until=context.window(None, "").bound,
        compared=context.began,
        uncovered=(),
        treatments=dict(reading.treatments),
        mapped=dict(reading.mapped),
        withheld=reading.withheld,
        accepted_by=harvest.rules.accepting,
        rejected_by=harvest.rules.reading,
    )
    harvest.complete(read, context.began)
    return harvest.outcome(context.began)
