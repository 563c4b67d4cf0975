"""Merge pending: from a satellite's log to the tables, DocType by DocType, whatever database they are in."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence

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
from federation.mothership.plan import DocTypePlan, plan, settled
from federation.mothership.satellite_schemas import confirm_schema, read_schemas, schema_sha256, write_schema
from federation.mothership.tables import read_tables


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
    merged = merged_packages(engine.connection, satellite, log.source, history.after)
    new_schema, remarks = _take_schema(engine, log, history, policy, cursor)
    results: list[MergeResult] = []
    failed: dict[str, MergeFailed] = {}
    unchanged: list[DocTypePlan] = []
    plans = plan(history, merged)
    for planned in plans:
        if not planned.packages:
            unchanged.append(planned)
            continue
        try:
            results.append(_merge_doctype(engine, log, planned, policy))
        except MergeFailed as error:
            failed[planned.doctype] = error
    undescribed = _describe(engine, satellite, unchanged, policy, anew=bool(new_schema))
    if new_schema and not undescribed:
        confirm_schema(engine.connection, satellite, new_schema)
    refresh(engine.connection, satellite, unchanged)
    write_held(engine.connection, satellite, plans)
    merged |= merged_packages(engine.connection, satellite, log.source, history.after)
    reached = max(cursor, settled(history, merged))
    if reached != cursor:
        write_cursor(engine.connection, satellite, log.source, reached)
    return MergeReport(tuple(results), failed | undescribed, reached, remarks)


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


def _merge_doctype(engine: Engine, log: CommitLog, planned: DocTypePlan, policy: FieldPolicy) -> MergeResult:
    started = time.perf_counter()
    satellite, doctype = log.folder.satellite, planned.doctype
    engine.scratch.mkdir(parents=True, exist_ok=True)
    try:
        packages = [ready(log.folder, committed, engine.scratch) for committed in planned.packages]
        schemas = read_schemas(engine.connection, doctype)
        contract = contract_of(doctype, schemas, keeps=policy.keeps, hashes=policy.hashes)
        own = next((schema for schema in schemas if schema.satellite == satellite), None)
        if contract is None or own is None:
            raise MergeFailed(satellite, doctype, "its fields are not known. Sync the satellite again.")
        with engine.contained(satellite, doctype):
            tables = engine.ensure_tables(contract, schemas, policy, packages)
            merge = DocTypeMerge(satellite, log.source, planned, packages, contract, own)
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
