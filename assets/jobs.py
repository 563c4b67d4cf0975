"""Jobs: what can be started as a whole: sync, reconcile, freshness, integrity, publish."""

# No `from __future__ import annotations` here: Dagster compares the annotation of `context` with its classes.
from typing import Final

import dagster as dg

from assets.mothership import WRITER_POOL
from assets.resource import FederationResource
from assets.runs import Depth, run_config

SYNC: Final = "sync"
RECONCILE: Final = "reconcile"
FRESHNESS: Final = "freshness"
INTEGRITY: Final = "integrity"
PUBLISH: Final = "publish"


def asset_jobs(
    conformed: dg.AssetsDefinition,
    mothership: dg.AssetsDefinition,
    freshness: dg.AssetChecksDefinition,
    integrity: dg.AssetChecksDefinition,
) -> dg.Definitions:
    """Return the jobs over the assets; those that read run one satellite at a time, chosen as the partition."""
    late = dg.AssetSelection.checks(freshness)
    tied = dg.AssetSelection.checks(integrity)
    layers = dg.AssetSelection.assets(conformed, mothership) - late - tied
    jobs = [
        dg.define_asset_job(
            SYNC,
            selection=layers,
            config=run_config(Depth.CHANGES),
            description="Reads what changed on a satellite and merges it into the mothership.",
        ),
        dg.define_asset_job(
            RECONCILE,
            selection=layers,
            config=run_config(Depth.RECONCILE),
            description="Also compares a satellite by name and reads some of it again, a slice a night, so that silent "
            "changes, renames and deletions are found too.",
        ),
        dg.define_asset_job(FRESHNESS, selection=late, description="Tells which satellites are late."),
        dg.define_asset_job(INTEGRITY, selection=tied, description="Holds the mothership's rows against each other."),
    ]
    return dg.Definitions(jobs=jobs)


@dg.op(pool=WRITER_POOL, description="Replaces the copy that analysts open, if anything was merged since.")
def publish_mothership(context: dg.OpExecutionContext, federation: FederationResource) -> None:
    """Publish what was merged too soon after the last publication."""
    published = federation.publish(force=True)
    context.log.info("Published." if published else "Nothing was merged since the last publication.")


@dg.job(name=PUBLISH, description="Publishes the mothership to its analysts.")
def publish_job() -> None:
    """Publish the mothership."""
    publish_mothership()
