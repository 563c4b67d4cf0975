"""Conformed: one step reads a satellite and packages what changed; an asset a DocType, a partition a satellite."""

# No `from __future__ import annotations` here: Dagster compares the annotation of `context` with its classes.
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import PurePosixPath

import dagster as dg

from assets.checks import EXPECTATIONS, READ, check_specs, expectations_check, read_check, standing_check
from assets.columns import contract_columns, package_columns
from assets.doctypes import KnownDocType, wanted_from
from assets.failures import failing_as_a_whole
from assets.partitions import SATELLITES
from assets.progress import LoggedProgress
from assets.resource import FederationResource
from assets.runs import Depth, ExtractConfig
from assets.samples import as_table, read_sample, rows_file
from federation.contract.columns import TableContract
from federation.contract.names import slug
from federation.extract.outcome import DocTypeOutcome
from federation.extract.satellite import RunOptions
from federation.lake.storage import LakeFolder
from federation.quality.data_docs_index import Page

Events = Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]


def conformed_assets(doctypes: Sequence[KnownDocType], tables: Mapping[str, TableContract]) -> dg.AssetsDefinition:
    """Return `conformed/<doctype>` for every DocType, all of them made by one step.

    Materialised is what changed. A DocType that can't be read is a failed check; the run fails when the satellite does.

    Args:
        doctypes: at least one.
        tables: DocType → its contract, for those that a satellite has shown.
    """
    by_name = {doctype.name: doctype for doctype in doctypes}

    @dg.multi_asset(
        name="conformed",
        specs=[_spec(doctype, tables.get(doctype.name)) for doctype in doctypes],
        check_specs=[
            *check_specs("conformed", doctypes, READ, "The DocType was read to the end, and nothing of it was missed."),
            *check_specs("conformed", doctypes, EXPECTATIONS, "The rows last read meet what the metadata promises."),
        ],
        partitions_def=SATELLITES,
        can_subset=True,
        # Before the merge of the same run, which has no edge from here: see `assets/mothership.py`.
        op_tags={"dagster/priority": "1"},
        description="Reads what changed on one satellite and commits it to the lake as packages.",
    )
    def conformed(context: dg.AssetExecutionContext, config: ExtractConfig, federation: FederationResource) -> Events:
        satellite = context.partition_key
        with failing_as_a_whole(satellite):
            options = RunOptions(_only(context, doctypes, federation), config.depth.value, config.allow_mass_delete)
            folder = federation.lake(satellite)
            described = tables
            before = federation.judged_before(satellite)
            for outcome in federation.extract(satellite, options, LoggedProgress(context.log)):
                known = by_name.get(outcome.doctype)
                if known is None:
                    context.log.info("%s was read; reload the definitions to make it an asset.", outcome.doctype)
                    continue
                key = known.key("conformed")
                if outcome.status == "changed" and key in context.selected_asset_keys:
                    if known.name not in described:
                        # A first sync describes DocTypes that nobody knew when the definitions were loaded.
                        described = federation.tables()
                    metadata = _metadata(outcome, options, folder, described.get(known.name))
                    yield dg.MaterializeResult(asset_key=key, metadata=metadata)
                yield from _checks(key, outcome, before.get(slug(known.name)), context.selected_asset_check_keys)
            if config.depth is not Depth.CHANGES:
                for failure in federation.compact(satellite):
                    context.log.error(str(failure))

    return conformed


def _spec(doctype: KnownDocType, table: TableContract | None) -> dg.AssetSpec:
    return dg.AssetSpec(
        doctype.key("conformed"),
        deps=[doctype.key("satellite")],
        skippable=True,
        group_name="conformed",
        kinds={"parquet"},
        description=f"{doctype.name} as packages on the lake: typed, UTC beside local time, policy applied.",
        metadata={"dagster/column_schema": contract_columns(table)} if table else {},
    )


def _only(
    context: dg.AssetExecutionContext, doctypes: Sequence[KnownDocType], federation: FederationResource
) -> tuple[str, ...] | None:
    """Return the DocTypes to read: those selected, as far as the settings want them from this satellite.

    None where all are selected: then new ones that match the settings come along.
    """
    selected = {*context.selected_asset_keys, *(check.asset_key for check in context.selected_asset_check_keys)}
    chosen = {doctype.name for doctype in doctypes if doctype.key("conformed") in selected}
    if len(chosen) == len(doctypes):
        return None
    return tuple(name for name in wanted_from(context.partition_key, federation.doctypes()) if name in chosen)


def _checks(
    key: dg.AssetKey,
    outcome: DocTypeOutcome,
    before: tuple[Page, str] | None,
    selected: AbstractSet[dg.AssetCheckKey],
) -> Iterator[dg.AssetCheckResult]:
    if dg.AssetCheckKey(key, READ) in selected:
        yield read_check(key, outcome)
    if dg.AssetCheckKey(key, EXPECTATIONS) in selected:
        if outcome.reports:
            yield expectations_check(key, outcome)
        elif before is not None:
            yield standing_check(key, *before)


def _metadata(
    outcome: DocTypeOutcome, options: RunOptions, folder: LakeFolder, table: TableContract | None
) -> dict[str, dg.MetadataValue]:
    files = [file for package in outcome.packages for file in package.files]
    metadata: dict[str, dg.MetadataValue] = {
        "documents": dg.MetadataValue.int(outcome.documents),
        "rows": dg.MetadataValue.int(sum(file.rows for file in files if file.kind == "rows")),
        "tombstones": dg.MetadataValue.int(outcome.tombstones),
        "quarantined": dg.MetadataValue.int(outcome.quarantined),
        "patched": dg.MetadataValue.int(outcome.patched),
        "pending": dg.MetadataValue.int(outcome.pending),
        "read": dg.MetadataValue.int(outcome.read),
        "unchanged": dg.MetadataValue.int(outcome.unchanged),
        "depth": dg.MetadataValue.text(options.depth),
        "packages": dg.MetadataValue.json(sorted({folder.uri(str(PurePosixPath(file.path).parent)) for file in files})),
    }
    if outcome.through is not None:
        metadata["as_of"] = dg.MetadataValue.timestamp(outcome.through)
    if (newest := rows_file(outcome.packages)) is not None:
        try:
            sample = read_sample(folder, newest)
        except OSError as error:
            metadata["sample"] = dg.MetadataValue.text(f"The package could not be read again: {error}")
        else:
            known = table.by_name if table else {}
            metadata["dagster/column_schema"] = dg.MetadataValue.table_schema(package_columns(sample.schema, known))
            metadata["sample"] = as_table(sample.rows)
    return metadata
