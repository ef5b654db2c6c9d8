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

        found = judge_drift(
            stores.lake(),
            stores.registry(),
            stores.predictions(),
            plan=plan,
            batch=context.partition_key,
            held=stores.cache(),
        )
        context.log.info(found.words)
        yield from _told(spec, "drift", stores, found)

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
        found = judge_performance(court, context.partition_key)
        context.log.info(found.words)
        yield from _told(spec, "performance", stores, found)
        for window in reopened(court, besides=context.partition_key):
            again = judge_performance(court, window)
            context.log.info("%s: %s", window, again.words)
            context.log_event(_again(spec, stores, again))
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


def _told(spec: dg.AssetSpec, check: str, stores: Stores, found: "Judged") -> declaration.Events:
    yield dg.MaterializeResult(
        asset_key=spec.key,
        metadata=_kept(spec, stores, found),
        data_version=dg.DataVersion(verdict_version(found.row)),
    )
    figures = _figures(found)
    yield dg.AssetCheckResult(
        asset_key=spec.key,
        check_name=check,
        passed=found.calm,
        severity=dg.AssetCheckSeverity.ERROR if found.row.get("fault") else dg.AssetCheckSeverity.WARN,
        description=found.words,
        metadata=dict(figures),
    )


def _again(spec: dg.AssetSpec, stores: Stores, found: "Judged") -> dg.AssetMaterialization:
    """Of an earlier window that late labels have opened again."""
    return dg.AssetMaterialization(
        asset_key=spec.key,
        partition=found.row["window"],
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
