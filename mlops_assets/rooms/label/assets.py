"""`<model>/labels`: ground truth as it arrives, with every row that has none under its reason."""

from typing import TYPE_CHECKING

import dagster as dg

from mlops_assets import keys
from mlops_assets.resources import presentation
from mlops_assets.resources.declaration import Events, asset_spec, batches
from mlops_assets.resources.stores import Stores
from mlops_assets.rooms.label.inference import task_of
from mlops_assets.rooms.label.summary import Summary, by_day, picture, summarize
from mlops_assets.rooms.label.task import Task
from mlops_assets.rooms.label.told import with_told
from mlops_assets.rooms.label.truth import earlier, labels
from mlops_assets.spec.plan import ModelPlan

if TYPE_CHECKING:
    import pyarrow as pa

ENOUGH = 0.5
"""The share of labelled rows below which coverage warns."""


def build(plan: ModelPlan) -> list[dg.AssetsDefinition]:
    """The labels of one model, with their checks."""
    spec = _spec(plan)
    checks = [
        dg.AssetCheckSpec("taxonomy", asset=spec.key, blocking=True, description="Every label is one of the task's."),
        dg.AssetCheckSpec("coverage", asset=spec.key, description=f"At least {ENOUGH:.0%} of the rows have a label."),
    ]

    @dg.multi_asset(name=f"{plan.name}_labels", specs=[spec], check_specs=checks)
    def labelled(context: dg.AssetExecutionContext, stores: Stores) -> Events:
        rows = with_told(stores.lake(), plan, labels(stores.lake(), plan, context.partition_key))
        version = stores.labels().record(plan.name, rows, batch=context.partition_key)
        task = task_of(plan.model, rows["label"], earlier(stores.lake(), plan, context.partition_key))
        found = summarize(rows, plan.model.target, task)
        yield dg.MaterializeResult(
            asset_key=spec.key,
            data_version=dg.DataVersion(version.fingerprint),
            metadata={
                **presentation.table(version, rows.schema),
                **presentation.numbers(found.figures()),
                "task": dg.MetadataValue.text(task.name),
                **_pictures(rows, task),
            },
            check_results=[_taxonomy(spec, found, task), _coverage(spec, found)],
        )

    return [labelled]


def _spec(plan: ModelPlan) -> dg.AssetSpec:
    return asset_spec(
        plan.name,
        "labels",
        room="label",
        description=f"Ground truth of {plan.name}: each row's label, when it was known, or why there is none.",
        deps=[keys.key(plan.dataset.name, "clean")],
        kinds=("duckdb", "deltalake"),
        owners=plan.model.owners,
        way=plan.dataset.name,
        partitions_def=batches(plan.dataset.name),
        configuration=f"{plan.model.target.model_dump_json()}\n{plan.dataset.model_dump_json()}",
    )


def _pictures(rows: "pa.Table", task: Task) -> dict[str, dg.MetadataValue]:
    days = by_day(rows, task)
    return {"by_day": presentation.picture(picture(days), "mean label by day")} if days else {}


def _taxonomy(spec: dg.AssetSpec, found: Summary, task: Task) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        asset_key=spec.key,
        check_name="taxonomy",
        passed=not found.strangers,
        severity=dg.AssetCheckSeverity.ERROR,
        description=f"labels that are none of a {task.name} task: {', '.join(map(str, found.strangers)) or 'none'}",
    )


def _coverage(spec: dg.AssetSpec, found: Summary) -> dg.AssetCheckResult:
    counts = ", ".join(f"{status}: {count}" for status, count in found.counts.items())
    return dg.AssetCheckResult(
        asset_key=spec.key,
        check_name="coverage",
        passed=found.share >= ENOUGH,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{found.share:.2%} of {found.rows} rows have a label ({counts})",
        metadata=dict(presentation.numbers(found.figures())),
    )
