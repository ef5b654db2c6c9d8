"""`<model>/drift_report` and `<model>/performance_report`: a window judged, drawn, and kept in the history."""

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import dagster as dg

from mlops_assets import keys
from mlops_assets.resources import declaration, presentation
from mlops_assets.resources.stores import Stores
from mlops_assets.rooms.monitor import history
from mlops_assets.rooms.monitor.evidently_report import PLOTS
from mlops_assets.spec.plan import ModelPlan

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mlops_assets.rooms.monitor.judged import Judged


def build(plan: ModelPlan) -> list[dg.AssetsDefinition]:
    """The reports of one model, with their checks."""
    return [_drift(plan), _performance(plan)]


def _drift(plan: ModelPlan) -> dg.AssetsDefinition:
    offline = [keys.key(table.table.name, "offline") for table in plan.tables]
    described = "Whether the window is less like the reference than the reference's own stretches of time are."
    spec = _spec(plan, "drift_report", described, offline, ("evidently",))
    check = dg.AssetCheckSpec(
        "drift", asset=spec.key, description="No fault, and no figure beyond its calibrated threshold."
    )

    @dg.multi_asset(name=f"{plan.name}_drift_report", specs=[spec], check_specs=[check])
    def drift_report(context: dg.AssetExecutionContext, stores: Stores) -> declaration.Events:
        from mlops_assets.rooms.monitor.judged import judge_drift

        lake, registry, held = stores.lake(), stores.registry(), stores.cache()
        names, waiting = _windows(stores, plan, "drift_report", context.partition_key)
        judged = (judge_drift(lake, registry, plan=plan, name=name, held=held) for name in names)
        yield from _told(context, spec, stores, judged, waiting)

    return drift_report


def _performance(plan: ModelPlan) -> dg.AssetsDefinition:
    described = "How good the window's answers were, by the labels that have matured, with intervals over days."
    spec = _spec(plan, "performance_report", described, [keys.key(plan.name, "labels")], ("sklearn",))
    check = dg.AssetCheckSpec("performance", asset=spec.key, description="AUC and calibration as on the reference.")

    @dg.multi_asset(name=f"{plan.name}_performance_report", specs=[spec], check_specs=[check])
    def performance_report(context: dg.AssetExecutionContext, stores: Stores) -> declaration.Events:
        from mlops_assets.rooms.monitor import timeline
        from mlops_assets.rooms.monitor.performance_report import Court, judge_performance, reopened

        lake, lineage, reports = stores.lake(), stores.lineage(), stores.reports()
        court = Court(lake, stores.registry(), stores.predictions(), stores.labels(), plan)
        names, waiting = _windows(stores, plan, "performance_report", context.partition_key)
        judged = (judge_performance(court, name) for name in names)
        yield from _told(context, spec, stores, judged, waiting)
        by_batch = plan.model.monitor.window.batch
        for window in reopened(court, besides=names):
            again = judge_performance(court, window)
            context.log.info("%s: %s", window, again.words)
            context.log_event(_again(spec, stores, again, window if by_batch else context.partition_key))
        timeline.save(lake, lineage, reports, plan)

    return performance_report


def _spec(
    plan: ModelPlan, stage: str, description: str, beside: list[keys.Key], kinds: tuple[str, ...]
) -> dg.AssetSpec:
    return declaration.asset_spec(
        plan.name,
        stage,
        room="monitor",
        description=description,
        deps=[keys.key(plan.name, "predictions"), *beside],
        kinds=kinds,
        owners=plan.model.owners,
        way=plan.dataset.name,
        partitions_def=declaration.batches(plan.dataset.name),
        configuration=plan.model.monitor.model_dump_json(),
    )


def _windows(stores: Stores, plan: ModelPlan, stage: str, batch: str) -> tuple[list[str], str]:
    """The windows that are to be judged now, and how many answers wait for theirs, in words."""
    if plan.model.monitor.window.batch:
        return [batch], ""
    from mlops_assets.rooms.monitor.cutting import cut, unjudged

    lock = stores.settings().data / f".windows-{plan.name}"
    count = cut(stores.lake(), plan, lock=lock)
    waiting = f"{count:,} answers wait for their window of {plan.model.monitor.window.text} to be complete"
    return unjudged(stores.lake(), plan, stage), waiting


def _told(
    context: dg.AssetExecutionContext,
    spec: dg.AssetSpec,
    stores: Stores,
    judged: "Iterable[Judged]",
    waiting: str,
) -> declaration.Events:
    """Keep each window as soon as it is judged; the last of them is the one that the batch's check speaks of."""
    calm, last = True, None
    for found in judged:
        if last is not None:
            context.log_event(_again(spec, stores, last, context.partition_key))
        context.log.info("%s: %s", found.row["window"], found.words)
        calm, last = calm and found.calm, found
    if last is None:
        yield from _waits(spec, waiting)
        return
    yield dg.MaterializeResult(
        asset_key=spec.key,
        metadata={**_kept(spec, stores, last), **({"waiting": dg.MetadataValue.text(waiting)} if waiting else {})},
        data_version=dg.DataVersion(verdict_version(last.row)),
    )
    yield dg.AssetCheckResult(
        asset_key=spec.key,
        check_name=_check(spec),
        passed=calm,
        severity=dg.AssetCheckSeverity.ERROR if last.row.get("fault") else dg.AssetCheckSeverity.WARN,
        description=last.words,
        metadata=dict(_figures(last)),
    )


def _waits(spec: dg.AssetSpec, waiting: str) -> declaration.Events:
    """No window is complete: that is told, and the data version says nothing else."""
    told = f"No window is complete: {waiting}."
    version = dg.DataVersion(hashlib.sha256(waiting.encode()).hexdigest())
    yield dg.MaterializeResult(
        asset_key=spec.key, metadata={"verdict": dg.MetadataValue.md(told)}, data_version=version
    )
    yield dg.AssetCheckResult(asset_key=spec.key, check_name=_check(spec), passed=True, description=told)


def _check(spec: dg.AssetSpec) -> str:
    """The name of a report's check."""
    return spec.key.path[-1].removesuffix("_report")


def _again(spec: dg.AssetSpec, stores: Stores, found: "Judged", partition: str) -> dg.AssetMaterialization:
    """Of a window beside the newest: one that late labels have opened again, or one of several that a batch closes."""
    return dg.AssetMaterialization(
        asset_key=spec.key,
        partition=partition,
        description=found.words,
        metadata=_kept(spec, stores, found),
        tags={"dagster/data_version": verdict_version(found.row)},
    )


def _kept(spec: dg.AssetSpec, stores: Stores, found: "Judged") -> presentation.Metadata:
    """Keep page and row, and say what the UI shows of them."""
    noun, stage = spec.key.path
    reports, window = stores.reports(), found.row["window"]
    saved = reports.save(keys.key(noun, stage), window, found.html)
    history.record(stores.lake(), noun, stage, found.row)
    if found.snapshot:
        stores.workspace().add(noun, window, found.snapshot, PLOTS)
    return {
        "verdict": dg.MetadataValue.md(found.words),
        **presentation.report(saved),
        "timeline": dg.MetadataValue.url(reports.url(keys.key(noun, "retrain_request"), "timeline")),
        "picture": presentation.picture(found.picture, f"{stage} of {window}"),
        **_figures(found),
    }


def _figures(found: "Judged") -> presentation.Metadata:
    return presentation.numbers({name: value for name, value in found.row.items() if isinstance(value, int | float)})


def verdict_version(row: Mapping[str, Any]) -> str:
    """Of the window judged and its verdict, not of the model: else each retraining would ask for the next."""
    names = ("window", "window_start", "window_end", "n", "alarm", "matured")
    judged = {name: row[name] for name in names if name in row}
    return hashlib.sha256(json.dumps(judged, sort_keys=True, default=str).encode()).hexdigest()
