"""`<model>_approved`: carries out a release once a person has approved it."""

import dagster as dg

from mlops_assets import keys
from mlops_assets.resources import runs
from mlops_assets.resources.stores import Stores
from mlops_assets.rooms.release import approval
from mlops_assets.rooms.release.promotion import latest_verdict
from mlops_assets.rooms.release.record import releases
from mlops_assets.spec.plan import ModelPlan

APPROVED = "mlops/approved"
"""Tag of the run that carries out a release; the value is the verdict's digest."""


def build(plan: ModelPlan) -> list[dg.SensorDefinition]:
    """The sensor of one model; none where no approval is asked for."""
    if not approval.needed(plan.model.release):
        return []

    @dg.sensor(
        name=f"{plan.name}_approved",
        job_name=keys.promote_job(plan.name),
        minimum_interval_seconds=5,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Releases what a person approved of {plan.name}; each tick says what it waits for.",
    )
    def sensor(context: dg.SensorEvaluationContext, stores: Stores) -> dg.RunRequest | dg.SkipReason:
        return consider(context.instance, stores, plan)

    return [sensor]


def consider(instance: dg.DagsterInstance, stores: Stores, plan: ModelPlan) -> dg.RunRequest | dg.SkipReason:
    """Ask for the release of an approved verdict, until it is released or refused."""
    lineage = stores.lineage()
    if lineage.latest("verdict", plan.name) is None:
        return dg.SkipReason("no verdict yet")
    verdict = latest_verdict(lineage, plan.name)
    if not verdict.accepted:
        return dg.SkipReason(f"the newest verdict refuses version {verdict.challenger}")
    if verdict.digest in {each.evidence for each in releases(lineage, plan.name)}:
        return dg.SkipReason(f"version {verdict.challenger} is released")
    found = approval.granted(lineage, plan.model.release, verdict)
    if found is None:
        return dg.SkipReason(f"version {verdict.challenger} waits for approval")
    tags = {APPROVED: verdict.digest}
    last = runs.find(instance, tags)
    if last.settled or last.fate is runs.Fate.ACTIVE:
        return dg.SkipReason(f"the release of version {verdict.challenger} is {last.fate}")
    attempt = last.attempt + 1
    return dg.RunRequest(run_key=f"{verdict.digest}:{attempt}", tags={**tags, runs.ATTEMPT: str(attempt)})
