"""`served_bundle`: what the prediction service answers by is whole, signed, and the version that is champion."""

import dagster as dg

from mlops_assets import keys
from mlops_assets.errors import MlopsError
from mlops_assets.resources.stores import Stores
from mlops_assets.rooms.serve.guard import REASON
from mlops_assets.spec.plan import ModelPlan


def build(plan: ModelPlan) -> list[dg.AssetChecksDefinition]:
    """The check of one model's champion."""

    @dg.asset_check(
        name="served_bundle",
        asset=dg.AssetKey(list(keys.key(plan.name, "champion"))),
        description="What the prediction service answers by is whole, signed, and the champion.",
    )
    def served_bundle(stores: Stores) -> dg.AssetCheckResult:
        fault = found(stores, plan.name)
        return dg.AssetCheckResult(
            passed=not fault,
            severity=dg.AssetCheckSeverity.WARN,
            description=fault or "the served bundle is whole and the champion's",
        )

    return [served_bundle]


def found(stores: Stores, model: str) -> str:
    """What is wrong with what is served; empty when nothing is."""
    store, champion = stores.serving(), stores.registry().champion(model)
    if champion is None:
        return ""
    try:
        live = store.live(model)
        if live is None:
            return "no bundle was published; next: materialize the champion"
        served = store.load(model, live.champion).manifest["version"]
    except MlopsError as error:
        return str(error)
    if live.evidence.startswith(REASON):
        return f"the service rolled back by itself: {live.evidence}; next: mlops rollback {model}"
    return "" if served == champion.number else f"version {served} is served, and version {champion.number} is champion"
