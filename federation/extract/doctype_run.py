"""DocType run: which walks one run makes over one DocType, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from msgspec.structs import replace

from federation.contract.satellite_schema import SatelliteSchema
from federation.extract.changes import walk_changes
from federation.extract.context import RunContext
from federation.extract.documents import DocumentReading
from federation.extract.outcome import DocTypeOutcome
from federation.extract.passes import run_pass
from federation.extract.patching import fields_of, new_fields, patch_columns
from federation.extract.signals import Signals
from federation.extract.singles import read_single_doctype
from federation.extract.treatment import older_treatments
from federation.lake.known_names import count_known
from federation.lake.run import LakeRun

Depth = Literal["changes", "reconcile", "full"]
"""What a run looks for: what `modified` and the site's lists tell; within a budget also what they don't; everything."""


def run_doctype(
    context: RunContext,
    reading: DocumentReading,
    schema: SatelliteSchema,
    signals: Signals,
    *,
    depth: Depth,
    has_new_fields: bool,
    replay: Sequence[str] = (),
) -> DocTypeOutcome:
    """Bring one DocType up to date on the lake, as deep as asked.

    Changes come first, so that a pass meets only what they can't tell. A pass that reads whole documents covers one
    that compares heads, so small DocTypes get the former alone.

    Args:
        context: the run.
        reading: how the DocType's documents are read.
        schema: the satellite's schema.
        signals: what the site's own lists tell.
        depth: how deep to look.
        has_new_fields: rows read before this run lack columns that the site has now.
        replay: names that are read anew, whatever `modified` says; a Single is read by every run.

    Raises:
        FrappeError: the site failed; what was committed stands.
        DocTypeFailed: what it sent can't be used, or more documents than allowed are gone; likewise.
    """
    if reading.is_single:
        return read_single_doctype(context, reading)
    loaded = context.run.state(reading.doctype).begun is not None
    outcome = walk_changes(context, reading, schema, signals, replay)
    if depth == "full":
        outcome = outcome.and_then(run_pass(context, reading, "full", budget=None, anew=True))
    elif depth == "reconcile" and loaded:
        limits = context.limits
        if count_known(context.run.folder, context.run.log, reading.doctype) > limits.reread_rows:
            outcome = outcome.and_then(run_pass(context, reading, "compare", budget=limits.compare_rows))
        outcome = outcome.and_then(run_pass(context, reading, "full", budget=limits.reread_rows))
    if has_new_fields or depth != "changes":
        outcome = outcome.and_then(patch_columns(context, reading))
    return outcome


def note_new_fields(run: LakeRun, reading: DocumentReading, known: SatelliteSchema, schema: SatelliteSchema) -> bool:
    """Take note of columns that rows read before this run lack or hold otherwise; return whether there are any.

    To be called before the new schema is described, so that no commit tells of a field and not of what lacks it.
    """
    state = run.state(reading.doctype)
    if state.begun is None and state.open is None:
        return False
    found = new_fields(known, schema, reading, state.treatments)
    new = [name for name in found if name not in state.uncovered]
    read = [name for table in (reading.parent, *reading.children) for name in fields_of(known, reading, table)]
    noted = replace(
        state,
        uncovered=(*state.uncovered, *new),
        treatments=dict(reading.treatments),
        older_treatments=older_treatments(state.older_treatments, state.treatments, reading.treatments, read),
    )
    if noted != state:
        run.note({reading.doctype: noted}, [])
    return bool(new)
