"""Mothership: one step merges a satellite's pending packages; an asset a DocType, a partition a satellite."""

# No `from __future__ import annotations` here: Dagster compares the annotation of `context` with its classes.
from collections.abc import Iterator, Mapping, Sequence

import dagster as dg

from assets.checks import MERGE, check_specs, merge_check
from assets.columns import contract_columns
from assets.doctypes import KnownDocType
from assets.failures import failing_as_a_whole
from assets.partitions import SATELLITES
from assets.quarantine import QUARANTINE, quarantine_check
from assets.resource import FederationResource
from federation.contract.columns import TableContract
from federation.mothership.interface import MergeResult
from federation.settings.mothership_url import Engine

WRITER_POOL = "mothership"
"""One step at a time writes into the mothership; the others wait where the UI shows it."""

Events = Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]


def mothership_assets(
    doctypes: Sequence[KnownDocType], tables: Mapping[str, TableContract], engine: Engine
) -> dg.AssetsDefinition:
    """Return `mothership/<doctype>` for every DocType, all of them made by one step.

    The lineage says that they come from `conformed/<doctype>`; the run's graph has no such edge. Dagster skips a step
    as soon as one of its inputs was not made, and of 60 DocTypes hardly all change at once. Besides, what a satellite
    committed before it failed is worth merging. So the steps are ordered by priority, and the assets put together here
    instead of by `multi_asset`, which draws an edge for every dependency.

    Args:
        doctypes: at least one.
        tables: DocType → its contract, for those that a satellite has shown.
        engine: the database under the mothership.
    """
    by_name = {doctype.name: doctype for doctype in doctypes}
    outputs = {f"mothership__{doctype.segment}".replace("-", "_"): doctype.key("mothership") for doctype in doctypes}
    checks = {
        spec.get_python_identifier(): spec
        for spec in (
            *check_specs("mothership", doctypes, MERGE, "What the lake has is merged."),
            *check_specs("mothership", doctypes, QUARANTINE, "No more documents are set aside than the settings bear."),
        )
    }

    @dg.op(
        name="mothership",
        out={name: dg.Out(dg.Nothing, is_required=False) for name in (*outputs, *checks)},
        pool=WRITER_POOL,
        description="Merges the packages that are pending, each DocType in one transaction, and publishes the result.",
    )
    def merge(context: dg.AssetExecutionContext, federation: FederationResource) -> Events:
        with failing_as_a_whole(context.partition_key):
            report = federation.merge(context.partition_key)
        for remark in report.remarks:
            context.log.warning(remark)
        for result in report.merged:
            if (known := by_name.get(result.doctype)) is not None:
                key = known.key("mothership")
                yield from _materialized(context, key, _metadata(result, report.remarks))
                yield from _checked(context, key)
        for doctype, failure in report.failed.items():
            context.log.error(str(failure))
            if (known := by_name.get(doctype)) is not None:
                yield from _checked(context, known.key("mothership"), str(failure))
        if report.merged:
            share = federation.settings().quarantine_warn_share
            with failing_as_a_whole(context.partition_key):
                states = federation.quarantine(context.partition_key, [result.doctype for result in report.merged])
            for doctype, state in states.items():
                if (known := by_name.get(doctype)) is not None:
                    key = known.key("mothership")
                    if dg.AssetCheckKey(key, QUARANTINE) in context.selected_asset_check_keys:
                        yield quarantine_check(key, state, share)

    return dg.AssetsDefinition(
        node_def=merge,
        keys_by_output_name=outputs,
        check_specs_by_output_name=checks,
        specs=[_spec(doctype, tables.get(doctype.name), engine) for doctype in doctypes],
        can_subset=True,
    )


def _spec(doctype: KnownDocType, table: TableContract | None, engine: Engine) -> dg.AssetSpec:
    return dg.AssetSpec(
        doctype.key("mothership"),
        deps=[doctype.key("conformed")],
        partitions_def=SATELLITES,
        skippable=True,
        group_name="mothership",
        kinds={engine},
        description=f"{doctype.name} of all satellites in one table for analysts; key (satellite, name).",
        metadata={"dagster/column_schema": contract_columns(table)} if table else {},
    )


def _materialized(
    context: dg.AssetExecutionContext, key: dg.AssetKey, metadata: Mapping[str, dg.MetadataValue]
) -> Iterator[dg.MaterializeResult[None]]:
    """All that is pending is merged, whatever was selected; what was merged is told either way."""
    if key in context.selected_asset_keys:
        yield dg.MaterializeResult(asset_key=key, metadata=metadata)
    else:
        context.log_event(dg.AssetMaterialization(key, partition=context.partition_key, metadata=metadata))


def _checked(context: dg.AssetExecutionContext, key: dg.AssetKey, failure: str = "") -> Iterator[dg.AssetCheckResult]:
    if dg.AssetCheckKey(key, MERGE) in context.selected_asset_check_keys:
        yield merge_check(key, failure)


def _metadata(result: MergeResult, remarks: Sequence[str]) -> Mapping[str, dg.MetadataValue]:
    metadata: dict[str, dg.MetadataValue] = {
        "dagster/partition_row_count": dg.MetadataValue.int(result.rows),
        "table": dg.MetadataValue.text(result.table),
        "packages": dg.MetadataValue.int(result.packages),
        "inserted": dg.MetadataValue.int(result.inserted),
        "updated": dg.MetadataValue.int(result.updated),
        "deleted": dg.MetadataValue.int(result.deleted),
        "ignored": dg.MetadataValue.int(result.ignored),
        "quarantined": dg.MetadataValue.int(result.quarantined),
    }
    if result.as_of is not None:
        metadata["as_of"] = dg.MetadataValue.timestamp(result.as_of)
    if remarks:
        metadata["remarks"] = dg.MetadataValue.md("\n\n".join(remarks))
    return metadata
