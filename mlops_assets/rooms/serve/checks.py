"""Checks of what is served: the bundle is whole and the champion's, and requests are answered as training learned."""

from typing import TYPE_CHECKING, Final

import dagster as dg

from mlops_assets import keys
from mlops_assets.errors import MlopsError
from mlops_assets.resources.stores import Stores
from mlops_assets.rooms.features.parity import told
from mlops_assets.rooms.features.replay import Replay, replay
from mlops_assets.spec.plan import ModelPlan
from mlops_assets.stores import sql
from mlops_assets.stores.predictions import ONLINE

if TYPE_CHECKING:
    import pyarrow as pa

REPLAYED: Final = 500
"""Newest requests of the log that are replayed."""
_SHOWN: Final = 10


def build(plan: ModelPlan) -> list[dg.AssetChecksDefinition]:
    """The checks of one model."""
    return [_served_bundle(plan), _skew(plan)]


def _served_bundle(plan: ModelPlan) -> dg.AssetChecksDefinition:
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

    return served_bundle


def _skew(plan: ModelPlan) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        name="training_serving_skew",
        asset=dg.AssetKey(list(keys.key(plan.name, "predictions"))),
        additional_deps=[dg.AssetKey(list(keys.key(part.table.name, "online"))) for part in plan.tables],
        description="Logged requests, replayed the batch way and the online way, get equal features, field by field.",
    )
    def training_serving_skew(stores: Stores) -> dg.AssetCheckResult:
        found = replayed(stores, plan)
        faults = [line for each in found for line in told(each.mismatches)]
        requests = max((each.requests for each in found), default=0)
        shown = "\n".join(f"- {fault}" for fault in faults[:_SHOWN])
        return dg.AssetCheckResult(
            passed=not faults,
            severity=dg.AssetCheckSeverity.ERROR,
            description=shown or f"{requests} logged requests replayed, no field differs",
            metadata={
                "requests": requests,
                "unknown": max((each.unknown for each in found), default=0),
                "mismatches": len(faults),
            },
        )

    return training_serving_skew


def replayed(stores: Stores, plan: ModelPlan) -> list[Replay]:
    """The newest logged requests of a model that name a row, replayed over each of its feature tables."""
    logged = _logged(stores, plan)
    if logged is None or not logged.num_rows:
        return []
    lake, store, serve = stores.lake(), stores.online(), plan.model.serve
    if any(serve.rule(name) != "keep" for name in plan.dataset.key):
        return []  # the log does not tell which row it was
    hidden = {name for name in plan.features if serve.rule(name) != "keep"}
    return [replay(lake, store, part, logged, hidden=hidden) for part in plan.tables]


def _logged(stores: Stores, plan: ModelPlan) -> "pa.Table | None":
    lake, table = stores.lake(), keys.table(plan.name, "predictions")
    if not lake.exists(table) or ONLINE not in lake.batches(table):
        return None
    key = sql.identifiers(plan.dataset.key)
    there = " and ".join(f"{sql.identifier(name)} is not null" for name in plan.dataset.key)
    with sql.session() as connection:
        return connection.execute(
            f"select {key}, inputs from {lake.scan(table, batches=[ONLINE])} where {there} and inputs is not null "
            f"order by event_time desc limit {REPLAYED}"
        ).to_arrow_table()


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
    if served == champion.number:
        return ""
    if live.guarded:
        return f"the service rolled back by itself: {live.guarded}; next: <model>_prediction_log puts it on the record"
    return f"version {served} is served, and version {champion.number} is champion"
