"""Singles: DocTypes with one document and no list of it: read every run, packaged when something in it changed."""

from __future__ import annotations

import uuid

from msgspec.structs import replace

from federation.extract.context import RunContext
from federation.extract.documents import DocumentReading, read_single
from federation.extract.harvest import Harvest
from federation.extract.outcome import DocTypeOutcome


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
        bound = context.window(None, "").bound
        read = replace(
            state,
            begun=context.began,
            through=context.began,
            until=bound,
            compared=context.began,
            uncovered=(),
            treatments=dict(reading.treatments),
            accepted_by=harvest.rules.accepting,
            rejected_by=harvest.rules.reading,
            withheld=reading.withheld,
        )
        harvest.complete(read, context.began)
        return harvest.outcome(context.began)
