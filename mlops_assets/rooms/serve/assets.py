"""`<model>/predictions`, and the reports of a model that is served: how it is used, and how its challengers compare."""

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import dagster as dg

from mlops_assets import keys
from mlops_assets.errors import NotFound
from mlops_assets.resources import declaration, presentation
from mlops_assets.resources.stores import Stores
from mlops_assets.rooms.label.maturity import clock
from mlops_assets.rooms.label.tasks import of_manifest
from mlops_assets.rooms.release.expiry import stopped
from mlops_assets.rooms.serve import challenger, failures, reports, stress, stress_page, usage
from mlops_assets.rooms.serve import score as scoring
from mlops_assets.rooms.serve.trial import trials
from mlops_assets.rooms.train.fit import manifest_of
from mlops_assets.rooms.train.identity import digest
from mlops_assets.spec.plan import ModelPlan

if TYPE_CHECKING:
    import pyarrow as pa

    from mlops_assets.stores.lake import TableVersion


class Stressed(dg.Config):
    """Which version is stressed."""

    version: int = 0
    """0: the live one; of another the figures are told, and nothing is set."""


SERVED: Final = "mlops/served"
"""Tag of the reports on what a service was asked; the value is the model's name."""


def build(plan: ModelPlan) -> list[dg.AssetsDefinition]:
    """The prediction log of one model, with its check."""
    spec = _spec(plan)
    scored = dg.AssetCheckSpec(
        "scored", asset=spec.key, blocking=True, description="Each row has one score, and it is one of the task's."
    )

    @dg.multi_asset(name=f"{plan.name}_predictions", specs=[spec], check_specs=[scored])
    def predictions(context: dg.AssetExecutionContext, stores: Stores) -> declaration.Events:
        batch, lake, log = context.partition_key, stores.lake(), stores.predictions()
        version = scoring.answering(stores.registry(), log, plan.name, batch)
        if version is None:
            context.log.info("no champion yet: %s", _first_model(plan))
            yield _check(spec, [], "no champion yet, so nothing was asked")
            return
        too_old = stopped(stores.lineage(), plan.name, plan.model.expiry, clock(lake, plan.dataset))
        if too_old:
            context.log.warning(too_old)
            yield _check(spec, [], too_old)
            return
        bundle = stores.registry().load(version)
        rows = scoring.features(lake, plan, batch)
        fresh = scoring.untrained(lake, plan, bundle, rows)
        answers = scoring.score(bundle, fresh, plan)
        faults = scoring.faults(answers, fresh.num_rows, of_manifest(manifest_of(bundle.files)))
        trained_on = rows.num_rows - fresh.num_rows
        said = f"version {version.number}: {answers.num_rows} rows scored, {trained_on} left out as trained on"
        context.log.info(said)
        if answers.num_rows and not faults:
            written = log.record(plan.name, answers, batch=batch)
            yield _materialized(spec, answers, written, {"rows_trained_on": trained_on})
        yield _check(spec, faults, said)

    return [predictions]


def watched(plan: ModelPlan) -> list[dg.AssetsDefinition]:
    """What is told of a model that the prediction service serves: outcomes, challengers, usage."""
    return [_feedback(plan), _shadow_report(plan), _usage_report(plan), _stress_report(plan)]


def _feedback(plan: ModelPlan) -> dg.AssetsDefinition:
    """Told by the sensor that takes it from the service's log."""
    spec = declaration.asset_spec(
        plan.name,
        "feedback",
        room="serve",
        description=f"What became of {plan.name}'s online predictions, by prediction id, as it was told.",
        deps=[keys.key(plan.name, "predictions")],
        kinds=("deltalake",),
        owners=plan.model.owners,
    )
    return dg.AssetsDefinition(specs=[spec])


def _shadow_report(plan: ModelPlan) -> dg.AssetsDefinition:
    described = "Champion and challengers on the same questions: agreement, flips, drift, latency, and who is right."
    spec = _served_spec(plan, "shadow_report", described)

    @dg.multi_asset(name=f"{plan.name}_shadow_report", specs=[spec])
    def shadow_report(context: dg.AssetExecutionContext, stores: Stores) -> declaration.Events:
        found = trials(stores.lake(), stores.serving(), plan.name)
        dropped = failures.dropped(stores.settings().prediction_log, plan.name)
        html = reports.shadow_page(plan.name, found, dropped)
        figures = {f"dropped_v{trial.challenger}": dropped[trial.challenger] for trial in found}
        compared = {
            f"{name}_v{trial.challenger}": value
            for trial in found
            if trial.found
            for name, value in trial.found.figures().items()
        }
        for trial in found:
            if trial.found:
                told = {"version": trial.challenger, "champion": trial.champion, **trial.found.figures()}
                stores.lineage().append("shadow", plan.name, told, once=f"shadow:{plan.name}:{digest(told)}")
            context.log.info("version %s beside version %s: %s", trial.challenger, trial.champion, trial.how)
        yield _page(stores, spec, html, {"challengers": len(found), **figures, **compared})

    return shadow_report


def _usage_report(plan: ModelPlan) -> dg.AssetsDefinition:
    described = "How the prediction service is used: requests, latency, answers and quality, a version and a day."
    spec = _served_spec(plan, "usage_report", described)

    @dg.multi_asset(name=f"{plan.name}_usage_report", specs=[spec])
    def usage_report(stores: Stores) -> declaration.Events:
        days = failures.beside(usage.usage(stores.lake(), plan.name), stores.settings().prediction_log, plan.name)
        drawn = usage.picture(days) if days else b""
        shown = {"picture": presentation.picture(drawn, "requests and latency by day")} if days else {}
        html = reports.usage_page(plan.name, days, drawn)
        yield _page(stores, spec, html, usage.totals(days), shown)

    return usage_report


def _stress_report(plan: ModelPlan) -> dg.AssetsDefinition:
    """Made when somebody asks for it: it takes the machine for a minute."""
    spec = declaration.asset_spec(
        plan.name,
        "stress_report",
        room="serve",
        description="Where the served model bends under load, and the limits that follow; made by mlops stress.",
        deps=[keys.key(plan.name, "champion")],
        kinds=("onnx",),
        owners=plan.model.owners,
    )

    @dg.multi_asset(name=f"{plan.name}_stress_report", specs=[spec])
    def stress_report(config: Stressed, stores: Stores) -> declaration.Events:
        version, asked = _stressed(stores, plan, config.version)
        found = stress.stress(stores.serving(), plan.name, asked)
        told = {"version": version, **found.figures()}
        stores.lineage().append("stress", plan.name, told)
        shown = {"picture": presentation.picture(stress_page.curve(found), "throughput and p99 by connections")}
        yield _page(stores, spec, stress_page.page(plan.name, found), told, shown)

    return stress_report


def _stressed(stores: Stores, plan: ModelPlan, version: int) -> tuple[int, str]:
    """Version and bundle that are asked for; 0: the live one."""
    store = stores.serving()
    live = store.released(plan.name)
    if not live:
        raise NotFound.of(f"model '{plan.name}' was never released", step="release it first")
    served = int(store.load(plan.name, live).manifest["version"])
    if version in (0, served):
        return served, live
    return version, challenger.bundled(store, stores.registry(), stores.lake(), plan, version)


def _served_spec(plan: ModelPlan, stage: str, description: str) -> dg.AssetSpec:
    spec = declaration.asset_spec(
        plan.name,
        stage,
        room="serve",
        description=description,
        deps=[keys.key(plan.name, "feedback")],
        kinds=("duckdb",),
        owners=plan.model.owners,
    )
    return spec.merge_attributes(tags={SERVED: plan.name})


def _page(
    stores: Stores,
    spec: dg.AssetSpec,
    html: str,
    figures: Mapping[str, float | int | None],
    more: presentation.Metadata | None = None,
) -> declaration.Materialized:
    version = hashlib.sha256(html.encode()).hexdigest()[:16]
    saved = stores.reports().save((spec.key.path[0], spec.key.path[-1]), "latest", html)
    return dg.MaterializeResult(
        asset_key=spec.key,
        metadata={**presentation.numbers(figures), **presentation.report(saved), **(more or {})},
        data_version=dg.DataVersion(version),
    )


def _spec(plan: ModelPlan) -> dg.AssetSpec:
    offline = [keys.key(table.table.name, "offline") for table in plan.tables]
    return declaration.asset_spec(
        plan.name,
        "predictions",
        room="serve",
        description=f"What {plan.name} was asked and answered: by the champion in force when the batch arrived.",
        deps=[*offline, keys.key(plan.name, "champion")],
        kinds=("sklearn", "deltalake"),
        owners=plan.model.owners,
        way=plan.dataset.name,
        partitions_def=declaration.batches(plan.dataset.name),
        configuration=plan.dataset.model_dump_json(),
        skippable=True,
    )


def _materialized(
    spec: dg.AssetSpec, answers: "pa.Table", written: "TableVersion", figures: dict[str, int]
) -> declaration.Materialized:
    import pyarrow.compute as pc

    yes_or_no = answers.schema.field("answer").type == "bool"
    shown = {
        **figures,
        "model_version": answers["model_version"][0].as_py(),
        "answered_elsewhere": answers.num_rows - written.rows,
        "mean_score": pc.mean(answers["score"]).as_py(),
        **({"share_yes": pc.mean(answers["answer"]).as_py()} if yes_or_no else {}),
    }
    return dg.MaterializeResult(
        asset_key=spec.key,
        metadata={**presentation.table(written, answers.schema), **presentation.numbers(shown)},
        data_version=dg.DataVersion(written.fingerprint),
    )


def _check(spec: dg.AssetSpec, faults: list[str], said: str) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        asset_key=spec.key,
        check_name="scored",
        passed=not faults,
        severity=dg.AssetCheckSeverity.ERROR,
        description="; ".join(faults) or said,
    )


def _first_model(plan: ModelPlan) -> str:
    train = plan.model.train
    span = f" spanning {train.min_history.days} days" if train.min_history else ""
    return f"the first model is trained when there are {train.min_labels} matured labels{span}"
