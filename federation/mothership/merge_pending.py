"""Merge pending: from a satellite's log to the tables, DocType by DocType, whatever database they are in."""

from __future__ import annotations

import shutil
import time
from collections.abc import Collection, Mapping, Sequence

from federation.contract.union import contract_of
from federation.drift.steps import behind, steps
from federation.lake.errors import LogSetBack
from federation.lake.history import History
from federation.lake.log import CommitLog
from federation.lake.schemas import read_schema
from federation.mothership.drift import told_up_to, write_drift
from federation.mothership.engine import DocTypeMerge, Engine
from federation.mothership.errors import MergeFailed
from federation.mothership.freshness import refresh
from federation.mothership.held import write_held
from federation.mothership.interface import FieldPolicy, MergeReport, MergeResult
from federation.mothership.ledger import merged_packages, read_cursor, write_cursor
from federation.mothership.package_files import ready
from federation.mothership.permitted import Permission, permitted
from federation.mothership.plan import DocTypePlan, plan, settled
from federation.mothership.satellite_schemas import confirm_schema, read_schemas, schema_sha256, write_schema
from federation.mothership.tables import read_tables
from federation.mothership.treatments import permissions, read_treatments, treated_otherwise, write_treatments


def merge_pending(engine: Engine, log: CommitLog, policy: FieldPolicy) -> MergeReport:
    """Merge what is pending in a satellite's log: one transaction a DocType.

    Raises:
        LakeError: the log can't be read.
        LogSetBack: it ends before what was merged of it.
        MothershipUnavailable: the database refused; DocTypes merged before stay merged.
    """
    satellite = log.folder.satellite
    cursor = read_cursor(engine.connection, satellite, log.source)
    history = log.since(cursor)
    if (history.newest is None or history.newest.seq < cursor) and (ends := log.length()) < cursor:
        raise LogSetBack(satellite, log.folder.uri("log"), ends, cursor)
    allowed = permissions(log, history.newest or log.newest(), policy)
    stale = frozenset(treated_otherwise(engine.connection, satellite, allowed))
    if stale:
        history = log.since(0)
    merged = merged_packages(engine.connection, satellite, log.source, history.after)
    new_schema, remarks = _take_schema(engine, log, history, policy, cursor)
    results: list[MergeResult] = []
    failed: dict[str, MergeFailed] = {}
    unchanged: list[DocTypePlan] = []
    again = {one.package.id for doctype in stale for one in history.packages.get(doctype, ())}
    plans = plan(history, merged - again)
    for planned in plans:
        if not planned.packages:
            unchanged.append(planned)
            continue
        try:
            _require_all(engine, log, planned.doctype, again, anew=planned.doctype in stale)
            permission = allowed.get(planned.doctype)
            results.append(_merge_doctype(engine, log, planned, policy, permission, anew=planned.doctype in stale))
        except MergeFailed as error:
            failed[planned.doctype] = error
    _remember(engine, satellite, {planned.doctype: allowed.get(planned.doctype) for planned in unchanged})
    undescribed = _describe(engine, satellite, unchanged, policy, anew=bool(new_schema))
    if new_schema and not undescribed:
        confirm_schema(engine.connection, satellite, new_schema)
    refresh(engine.connection, satellite, unchanged)
    write_held(engine.connection, satellite, plans)
    merged |= merged_packages(engine.connection, satellite, log.source, history.after)
    reached = max(cursor, settled(history, merged))
    if reached != cursor:
        write_cursor(engine.connection, satellite, log.source, reached)
    anew = tuple(result.doctype for result in results if result.doctype in stale)
    return MergeReport(tuple(results), failed | undescribed, reached, remarks, anew=anew)


def _take_schema(
    engine: Engine, log: CommitLog, history: History, policy: FieldPolicy, cursor: int
) -> tuple[str, tuple[str, ...]]:
    """Take over what the satellite says of itself now, and tell what it said otherwise since it was last told.

    Returns:
        The name of that schema, "" where it is known; and what an administrator should know.
    """
    satellite = log.folder.satellite
    sha256 = history.newest.schema if history.newest else ""
    is_new = sha256 not in ("", schema_sha256(engine.connection, satellite))
    schema = read_schema(log.folder, sha256) if is_new else None
    told = told_up_to(engine.connection, satellite, policy, cursor, schema)
    if not (is_new or told == 0):
        return "", ()
    if told == 0:
        history = log.since(0)
    if history.newest is None or not history.newest.schema:
        return "", ()
    schema = schema or read_schema(log.folder, history.newest.schema)
    described = behind(history.described, told)
    if told and not (described and described[0].seq <= told) and (base := log.described_at(told)):
        described = (base, *described)
    found = steps(log.folder, described, told)
    with engine.connection.transaction():
        if is_new:
            write_schema(engine.connection, schema)
        write_drift(engine.connection, satellite, found.taken, schema.doctypes, policy, anew=told == 0)
    return sha256 if is_new else "", found.unread


def _require_all(engine: Engine, log: CommitLog, doctype: str, on_lake: Collection[str], *, anew: bool) -> None:
    """Hold a DocType back that must be merged anew, where the lake has lost packages of it."""
    if not anew:
        return
    ledger = merged_packages(engine.connection, log.folder.satellite, log.source, 0, doctype)
    if gone := ledger - {*on_lake}:
        reason = (
            f"the policy changed, so it must be merged anew, and {len(gone):,} packages that were merged are not on "
            "the lake any more. Bring them back, or go without them: `federation rebuild --accept-losses`."
        )
        raise MergeFailed(log.folder.satellite, doctype, reason)


def _remember(engine: Engine, satellite: str, allowed: Mapping[str, Permission | None]) -> None:
    """Remember how DocTypes without packages are treated, as far as fields have come."""
    known = read_treatments(engine.connection, satellite)
    for doctype, permission in allowed.items():
        if permission is not None and doctype in known and known[doctype] != permission.treatments:
            with engine.connection.transaction():
                write_treatments(engine.connection, satellite, doctype, permission.treatments)


def _merge_doctype(
    engine: Engine,
    log: CommitLog,
    planned: DocTypePlan,
    policy: FieldPolicy,
    permission: Permission | None,
    *,
    anew: bool,
) -> MergeResult:
    started = time.perf_counter()
    satellite, doctype = log.folder.satellite, planned.doctype
    engine.scratch.mkdir(parents=True, exist_ok=True)
    try:
        schemas = read_schemas(engine.connection, doctype)
        contract = contract_of(doctype, schemas, keeps=policy.keeps, hashes=policy.hashes)
        own = next((schema for schema in schemas if schema.satellite == satellite), None)
        if contract is None or own is None or permission is None:
            raise MergeFailed(satellite, doctype, "its fields are not known. Sync the satellite again.")
        packages = [
            permitted(ready(log.folder, one, engine.scratch), one.treatments, permission, engine.scratch)
            for one in planned.packages
        ]
        with engine.contained(satellite, doctype):
            tables = engine.ensure_tables(contract, schemas, policy, packages)
            merge = DocTypeMerge(
                satellite, log.source, planned, packages, contract, own, permission.treatments, anew=anew
            )
            counts = engine.merge(merge, tables)
    finally:
        shutil.rmtree(engine.scratch, ignore_errors=True)
    return MergeResult(
        satellite,
        doctype,
        table=tables[0].name,
        packages=len(packages),
        inserted=counts.inserted,
        updated=counts.updated,
        deleted=counts.deleted,
        ignored=counts.ignored,
        quarantined=counts.quarantined,
        rows=counts.rows,
        as_of=planned.as_of,
        seconds=time.perf_counter() - started,
    )


def _describe(
    engine: Engine, satellite: str, plans: Sequence[DocTypePlan], policy: FieldPolicy, *, anew: bool
) -> dict[str, MergeFailed]:
    """Bring the tables of DocTypes without packages up to what the satellite says of them now; return what failed."""
    known = read_tables(engine.connection)
    failed: dict[str, MergeFailed] = {}
    for planned in plans:
        if (planned.doctype in known and not anew) or (planned.doctype not in known and planned.as_of is None):
            continue
        schemas = read_schemas(engine.connection, planned.doctype)
        contract = contract_of(planned.doctype, schemas, keeps=policy.keeps, hashes=policy.hashes)
        if contract is None:
            continue
        try:
            with engine.contained(satellite, planned.doctype):
                engine.ensure_tables(contract, schemas, policy, ())
        except MergeFailed as error:
            failed[planned.doctype] = error
    return failed
