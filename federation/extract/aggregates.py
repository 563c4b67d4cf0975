"""Aggregates: an aggregate's groups are asked for, all of them, and what changed among them is packaged.

No request names a document: the site groups, counts and adds up. Every run asks for all groups, compares them with the
lake's, and packages those that are new or tell something else; those that are gone are tombstones.
"""

from __future__ import annotations

import uuid
from dataclasses import replace
from http import HTTPStatus

from connectors.frappe import (
    DocTypeError,
    Filter,
    FrappeSession,
    GroupQuery,
    Groups,
    count_request,
    read_count,
    read_groups,
)
from federation.contract.fieldtypes import DATETIME, column_type
from federation.contract.satellite_schema import DocTypeSchema
from federation.extract.context import RunContext
from federation.extract.documents import DocumentReading, WholeDocuments
from federation.extract.errors import HiddenDocuments, UnfitAggregate
from federation.extract.groups import group_rows
from federation.extract.harvest import Harvest
from federation.extract.outcome import DocTypeOutcome
from federation.extract.singles import complete_at_once
from federation.lake.known_names import alive_names
from federation.settings.aggregates import Aggregate

_TRIES = 3
"""Documents may be deleted between the count and the groups."""
_SUBMITTED: tuple[Filter, ...] = (("docstatus", "=", 1),)


def read_aggregate(
    context: RunContext, reading: DocumentReading, aggregate: Aggregate, shape: DocTypeSchema
) -> DocTypeOutcome:
    """Bring one aggregate up to date on the lake.

    Args:
        context: the run's.
        reading: of the aggregate, as of any DocType.
        aggregate: what the settings say.
        shape: how the satellite's schema describes it.

    Raises:
        UnfitAggregate: the policy holds back a field that it takes, or the site can't group so.
        HiddenDocuments: the user isn't shown all documents.
        FrappeError: the site failed; what was committed stands.
    """
    groups = ask_for_groups(context.session, reading, aggregate, shape)
    rows = group_rows(groups, reading.parent, aggregate)
    names = [*rows.table.column("name").to_pylist(), *(group.name for group in rows.rejected)]
    run = context.run
    with Harvest(context, reading, "changes", f"changes-{uuid.uuid4().hex[:12]}") as harvest:
        gone = sorted(set(alive_names(run.folder, run.log, aggregate.name)) - set(names))
        whole = WholeDocuments({aggregate.name: rows.table}, rows.rejected, (), 0, frozenset())
        judge_known = run.state(aggregate.name).accepted_by != harvest.rules.accepting
        harvest.add(whole, groups.observed, names, [True] * len(names), judge_known=judge_known)
        harvest.bury(gone, groups.observed)
        return replace(complete_at_once(context, reading, harvest), withheld=rows.withheld)


def ask_for_groups(
    session: FrappeSession, reading: DocumentReading, aggregate: Aggregate, shape: DocTypeSchema
) -> Groups:
    """Return all groups, proved to be of all documents: a count is not narrowed by a user's permissions.

    Raises:
        UnfitAggregate, HiddenDocuments, FrappeError: as `read_aggregate`.
    """
    satellite = reading.parent.satellite
    read = {field.fieldname for field in reading.parent.fields}
    if withheld := [name for name in aggregate.fieldnames if name not in read]:
        mistake = (
            f"The policy holds back {', '.join(withheld)}: take them off the aggregate, or change the rule that "
            "`federation policy report` names."
        )
        raise UnfitAggregate(satellite, aggregate.name, [mistake])
    by = {one.field for one in aggregate.by}
    untold = [each for each in reading.parent.fields if each.name_keys and each.type_field not in by]
    if untold:
        mistakes = [
            f"The policy hashes names in `{each.fieldname}`, and only `{each.type_field}` says whose they are: "
            "group by it too."
            for each in untold
        ]
        raise UnfitAggregate(satellite, aggregate.name, mistakes)
    filters = _SUBMITTED if aggregate.only_submitted else ()
    days = frozenset(one.field for one in aggregate.by if _is_datetime(shape, one.field))
    query = GroupQuery(aggregate.doctype, tuple(one.field for one in aggregate.by), days, aggregate.sum, filters)
    count = count_request(
        session.names.doctype(aggregate.doctype), {name: (operator, value) for name, operator, value in filters}
    )
    shown = counted = 0
    for _ in range(_TRIES):
        counted = read_count(session, count)
        groups = _grouped(session, satellite, aggregate, query)
        shown = sum(groups.documents)
        if shown >= counted:
            return groups
    raise HiddenDocuments(satellite, aggregate.name, aggregate.doctype, shown, counted)


def _grouped(session: FrappeSession, satellite: str, aggregate: Aggregate, query: GroupQuery) -> Groups:
    try:
        return read_groups(session, query)
    except DocTypeError as error:
        if not query.days or error.status != HTTPStatus.EXPECTATION_FAILED:
            raise
        mistake = (
            f"Before version 15 Frappe can't group by the day of a Datetime ({', '.join(sorted(query.days))}): "
            f"group by a Date. {error}"
        )
        raise UnfitAggregate(satellite, aggregate.name, [mistake]) from error


def _is_datetime(shape: DocTypeSchema, fieldname: str) -> bool:
    asked = shape.fields[fieldname].made_from
    kept = column_type(asked.fieldtype) if asked else None
    return kept is not None and kept.arrow == DATETIME
