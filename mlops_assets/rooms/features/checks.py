"""Whether a feature table has kept up with the dataset that it describes."""

import dagster as dg

from mlops_assets import keys
from mlops_assets.resources.stores import Stores
from mlops_assets.spec.plan import FeaturePlan


def build(plan: FeaturePlan) -> list[dg.AssetChecksDefinition]:
    """The checks of one feature table that look beyond a single batch."""
    return [_complete(plan)]


def _complete(plan: FeaturePlan) -> dg.AssetChecksDefinition:
    name, dataset = plan.table.name, plan.table.dataset

    @dg.asset_check(
        asset=dg.AssetKey(list(keys.key(name, "offline"))),
        name="complete",
        description=f"Every clean batch of {dataset} has its features.",
    )
    def complete(stores: Stores) -> dg.AssetCheckResult:
        lake = stores.lake()
        clean, offline = (set(lake.batches(keys.table(*at))) for at in ((dataset, "clean"), (name, "offline")))
        behind = sorted(clean - offline)
        return dg.AssetCheckResult(
            passed=not behind,
            severity=dg.AssetCheckSeverity.WARN,
            description=f"batches without features: {', '.join(behind) or 'none'}",
            metadata={"batches": len(offline), "behind": len(behind)},
        )

    return complete
