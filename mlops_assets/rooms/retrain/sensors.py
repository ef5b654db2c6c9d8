"""The retrain sensor: asks for a challenger when the arbiter says yes; each tick says why, or why not."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import dagster as dg

from mlops_assets import keys
from mlops_assets.resources import runs
from mlops_assets.resources.stores import Stores
from mlops_assets.rooms.ingest.sensors import Landed
from mlops_assets.rooms.retrain import assets, checks, table
from mlops_assets.rooms.retrain.arbiter import decide, request_key
from mlops_assets.rooms.retrain.channels import Message
from mlops_assets.rooms.retrain.claim import claim
from mlops_assets.rooms.retrain.gather import gather
from mlops_assets.rooms.retrain.ledger import OUTCOME, Ledger
from mlops_assets.rooms.retrain.outbox import deliver, notify
from mlops_assets.rooms.retrain.outcome import call, outcome
from mlops_assets.spec.plan import ModelPlan
from mlops_assets.stores.lineage import Record

MODEL = "mlops/model"
REQUEST = "mlops/retrain_request"
CAUSES = "mlops/causes"
PRIORITY = "dagster/priority"


@dataclass(frozen=True)
class Tick:
    """What one look at the evidence led to: a run, or the reason why there is none."""

    reason: str
    run: dg.RunRequest | None = None


def build(plan: ModelPlan) -> list[dg.SensorDefinition]:
    """The sensor of one model."""

    @dg.sensor(
        name=f"{plan.name}_retrain",
        job_name=keys.retrain_job(plan.name),
        minimum_interval_seconds=5,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Decides whether {plan.name} is to be trained again, and says why or why not.",
    )
    def sensor(context: dg.SensorEvaluationContext, stores: Stores) -> dg.SensorResult:
        memory = json.loads(context.cursor) if context.cursor else {}
        settled = memory.get("settled", {})
        landed = Landed(context.instance, stores, settled)
        arriving = [name for dataset in plan.datasets for name in landed.begun(dataset)]
        waits = Tick(f"waits for {arriving[0]}, which is arriving") if arriving else None
        tick = waits or consider(context.instance, stores, plan)
        said, events, seen = tell(stores, plan, memory)
        reason = "; ".join([tick.reason, *said])
        if context.log_key and (tick.run or seen["told"] != memory.get("told", 0)):  # a daemon's tick has a log
            for line in evidence(stores, plan, reason):
                context.log.info(line)
        cursor = json.dumps({"settled": settled, **seen}, sort_keys=True)
        if tick.run:
            return dg.SensorResult(run_requests=[tick.run], cursor=cursor, asset_events=events)
        return dg.SensorResult(skip_reason=reason, cursor=cursor, asset_events=events)

    return [sensor]


def consider(instance: dg.DagsterInstance, stores: Stores, plan: ModelPlan) -> Tick:
    """See to the newest request: launch its run, or close it; else weigh the evidence anew."""
    ledger = Ledger(stores.lineage(), plan.name)
    last = ledger.newest()
    if last is not None and ledger.outcome(last) is None:
        found = runs.find(instance, {REQUEST: last.body["key"]})
        if found.fate is runs.Fate.ACTIVE:
            return Tick(f"request {last.body['key']} is on its way")
        if not found.settled:
            return _launch(ledger, plan, last, found.attempt + 1)
        come = outcome(ledger, last, done=found.fate is runs.Fate.DONE, run_id=found.run_id)
        ledger.close(last, come.outcome, come.reason, **come.figures)
    evidence = gather(stores.lake(), stores.lineage(), plan, stores.settings().data / "contracts")
    if evidence is None:
        return Tick("no labels yet")
    if last is not None:
        call(ledger, plan.model, last, evidence, assets.links(stores.reports(), plan.name, last.body))
    decision = decide(plan.model, evidence)
    ledger.decided(evidence, decision)
    if decision.retrain:
        request = ledger.ask(request_key(plan.model, evidence, decision), evidence, decision)
        return _launch(ledger, plan, request, attempt=1)
    held = f" (held back: {', '.join(decision.causes)})" if decision.causes else ""
    return Tick(decision.reason + held)


def tell(stores: Stores, plan: ModelPlan, memory: Mapping[str, Any]) -> tuple[list[str], list[Any], dict[str, Any]]:
    """Say what is new since the last tick: expiry, the asset's table of decisions, and messages to people.

    Expiry is told again when a request is over: a run that released nothing has skipped the check that it had planned.

    Returns:
        What the tick says of it, the events that the UI shows, and what is to be remembered.
    """
    said: list[str] = []
    events: list[Any] = []
    seen = {"told": memory.get("told", 0), "expiry": memory.get("expiry", "")}
    found = checks.aged(stores, plan)
    if found and found.expired:
        said.append(found.words)
        message = Message(f"{plan.name}: the champion has expired", f"{found.words.capitalize()}.")
        notify(stores.lineage(), plan.name, "expired", message, about=str(found.version))
    ledger = Ledger(stores.lineage(), plan.name)
    over = max((record.sequence for record in ledger.records(OUTCOME)), default=0)
    state = f"{found.version}:{found.expired}:{over}" if found else ""
    if found and state != seen["expiry"]:
        events.append(checks.evaluation(plan, found))
        seen["expiry"] = state
    newest = table.newest(ledger)
    if newest > seen["told"]:
        events.append(assets.told(stores, plan))
        seen["told"] = newest
    lock = stores.settings().data / ".notifying"
    said += deliver(stores.lineage(), plan.name, plan.model.retrain.notify, lock=lock)
    return said, events, seen


def evidence(stores: Stores, plan: ModelPlan, reason: str) -> list[str]:
    """What the log of a tick that decided something new holds: yes or no, why, and the pages that it rests on."""
    request = Ledger(stores.lineage(), plan.name).newest()
    pages = assets.pages(stores.reports(), plan.name, request.body if request else {})
    return [reason, *(f"{name}: {url}" for name, url in pages)]


def _launch(ledger: Ledger, plan: ModelPlan, request: Record, attempt: int) -> Tick:
    body = request.body
    if not claim(ledger.lineage, plan.name, body["key"], attempt):
        return Tick(f"request {body['key']} is being launched by another process")
    causes = plan.model.retrain.causes
    urgency = max((len(causes) - causes.index(cause) for cause in body["causes"] if cause in causes), default=0)
    run = dg.RunRequest(
        run_key=f"{plan.name}:{body['key']}:{attempt}",
        tags={
            MODEL: plan.name,
            REQUEST: body["key"],
            CAUSES: ",".join(body["causes"]),
            PRIORITY: str(urgency),
            "mlops/reason": body["reason"][:200],
            runs.ATTEMPT: str(attempt),
        },
    )
    return Tick(body["reason"], run)
