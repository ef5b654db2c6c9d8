"""`<model>_prediction_log`: takes what the service has sealed into the lake, exactly once, and says what it took."""

import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Final, cast

import dagster as dg

from mlops_assets import keys
from mlops_assets.errors import Damaged
from mlops_assets.resources import presentation
from mlops_assets.resources.stores import Stores
from mlops_assets.rooms.release.assets import championed, follow_declaration
from mlops_assets.rooms.release.stopping import stop_when_expired
from mlops_assets.rooms.release.withdrawal import withdraw
from mlops_assets.rooms.serve import challenger, ingest
from mlops_assets.spec.plan import ModelPlan
from mlops_assets.stores.delta import DeltaLake

REPORT_SECONDS: Final = 600.0
"""A run costs seconds, so the reports are made at most that often."""


def build(plan: ModelPlan) -> list[dg.SensorDefinition]:
    """The sensor of one model."""

    @dg.sensor(
        name=f"{plan.name}_prediction_log",
        minimum_interval_seconds=10,
        default_status=dg.DefaultSensorStatus.RUNNING,
        job_name=keys.served_job(plan.name),
        description=f"Takes the service's answers for {plan.name}, and what was told of them, into the lake.",
    )
    def sensor(context: dg.SensorEvaluationContext, stores: Stores) -> dg.SensorResult:
        return look(stores, plan, float(context.cursor or 0.0))

    return [sensor]


def look(stores: Stores, plan: ModelPlan, reported: float = 0.0, *, now: float | None = None) -> dg.SensorResult:
    """Take in what there is; each table that took rows is told as a materialization, and now and then reported on.

    Args:
        stores: of the home.
        plan: of the model.
        reported: when the reports were last asked for, in seconds since 1970.
        now: the same of this moment; default: by the clock.
    """
    now = time.time() if now is None else now
    lake, log = cast("DeltaLake", stores.lake()), stores.settings().prediction_log
    taken_back = withdraw(stores.serving(), stores.registry(), stores.lineage(), plan.name)
    _follow(stores, plan)
    stop_when_expired(stores.serving(), stores.lineage(), lake, plan)
    challenger.declared(stores.serving(), stores.registry(), stores.lineage(), lake, plan)
    taken = {
        "predictions": ingest.predictions(lake, stores.serving(), plan, log),
        "feedback": ingest.feedback(lake, plan, log),
    }
    events = [_event(plan, stage, found) for stage, found in taken.items() if found.version is not None]
    events += [championed(stores, plan, taken_back)] if taken_back else []
    if not events:
        return dg.SensorResult(skip_reason=_words(stores, plan, taken), cursor=str(reported))
    due = now - reported >= REPORT_SECONDS
    runs = [dg.RunRequest(run_key=f"{plan.name}:{int(now)}")] if due else []
    return dg.SensorResult(asset_events=events, run_requests=runs, cursor=str(now if due else reported))


def _follow(stores: Stores, plan: ModelPlan) -> None:
    """What is damaged is told by the champion's own check, and holds nothing else up."""
    with suppress(Damaged):
        follow_declaration(stores, plan)


def _event(plan: ModelPlan, stage: str, found: ingest.Ingested) -> dg.AssetMaterialization:
    figures = {"online_rows": found.rows, "segments": found.segments, "damaged": found.damaged}
    return dg.AssetMaterialization(
        asset_key=dg.AssetKey(list(keys.key(plan.name, stage))),
        description="taken from the prediction service's log",
        metadata={**presentation.numbers(figures), "table_version": dg.MetadataValue.int(found.version or 0)},
    )


def _words(stores: Stores, plan: ModelPlan, taken: Mapping[str, ingest.Ingested]) -> str:
    waiting = [stream for found in taken.values() for stream in found.waiting]
    if waiting:
        return f"waits for a missing segment of {', '.join(waiting)}"
    live = stores.serving().live(plan.name) if stores.serving().released(plan.name) else None
    if live is not None and live.guarded:
        return f"nothing new was served; the guard took back {live.guarded}"
    return "nothing new was served"
