"""The retrain sensor: asks for a challenger when the arbiter says yes; each tick says why, or why not."""

import json
from collections.abc import Mapping
from typing import Any

import dagster as dg

from mlops_assets import keys
from mlops_assets.resources import runs
from mlops_assets.resources.stores import Stores
from mlops_assets.rooms.ingest.sensors import Landed
from mlops_assets.rooms.retrain.arbiter import Decision, Evidence, decide, request_key
from mlops_assets.rooms.retrain.evidence import gather
from mlops_assets.spec.plan import ModelPlan

MODEL = "mlops/model"
REQUEST = "mlops/retrain_request"
CAUSES = "mlops/causes"


def build(plan: ModelPlan) -> list[dg.SensorDefinition]:
    """The sensor of one model."""

    @dg.sensor(
        name=f"{plan.name}_retrain",
        job_name=keys.retrain_job(plan.name),
        minimum_interval_seconds=5,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Decides whether {plan.name} is to be trained again, and says why or why not.",
    )
    def sensor(context: dg.SensorEvaluationContext, stores: Stores) -> dg.RunRequest | dg.SkipReason:
        settled = json.loads(context.cursor) if context.cursor else {}
        landed = Landed(context.instance, stores, settled)
        arriving = [name for dataset in plan.datasets for name in landed.begun(dataset)]
        context.update_cursor(json.dumps(settled, sort_keys=True))
        if arriving:
            return dg.SkipReason(f"waits for {arriving[0]}, which is arriving")
        return consider(context.instance, stores, plan)

    return [sensor]


def consider(instance: dg.DagsterInstance, stores: Stores, plan: ModelPlan) -> dg.RunRequest | dg.SkipReason:
    """Carry out the last request if its run was lost; else weigh the evidence anew."""
    lineage = stores.lineage()
    last = lineage.latest("retrain_request", plan.name)
    if last is not None:
        found = runs.find(instance, {REQUEST: last.body["key"]})
        if found.fate is runs.Fate.ACTIVE:
            return dg.SkipReason(f"request {last.body['key']} is on its way")
        if not found.settled:
            return _run(plan, last.body, found.attempt + 1)
    evidence = gather(stores.lake(), lineage, plan)
    if evidence is None:
        return dg.SkipReason("no labels yet")
    decision = decide(plan.model, evidence)
    if not decision.retrain:
        held = f" (held back: {', '.join(decision.causes)})" if decision.causes else ""
        return dg.SkipReason(decision.reason + held)
    body = _body(plan, evidence, decision)
    lineage.append("retrain_request", plan.name, body, once=f"{plan.name}:{body['key']}")
    return _run(plan, body, attempt=1)


def _body(plan: ModelPlan, evidence: Evidence, decision: Decision) -> dict[str, Any]:
    return {
        "key": request_key(plan.model, evidence, decision),
        "clock": evidence.clock.isoformat(),
        "labels": evidence.labels,
        "causes": list(decision.causes),
        "reason": decision.reason,
        "champion": evidence.champion.number if evidence.champion else None,
    }


def _run(plan: ModelPlan, body: Mapping[str, Any], attempt: int) -> dg.RunRequest:
    return dg.RunRequest(
        run_key=f"{plan.name}:{body['key']}:{attempt}",
        tags={
            MODEL: plan.name,
            REQUEST: body["key"],
            CAUSES: ",".join(body["causes"]),
            "mlops/reason": body["reason"][:200],
            runs.ATTEMPT: str(attempt),
        },
    )
