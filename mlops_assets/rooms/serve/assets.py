"""`<model>/predictions`: the champion's answers to a batch, given before the outcomes are known."""

from typing import TYPE_CHECKING

import dagster as dg

from mlops_assets import keys
from mlops_assets.resources import declaration, presentation
from mlops_assets.resources.stores import Stores
from mlops_assets.rooms.label.maturity import clock
from mlops_assets.rooms.label.tasks import of_manifest
from mlops_assets.rooms.release.expiry import stopped
from mlops_assets.rooms.serve import score as scoring
from mlops_assets.rooms.train.fit import manifest_of
from mlops_assets.spec.plan import ModelPlan

if TYPE_CHECKING:
    import pyarrow as pa

    from mlops_assets.stores.lake import TableVersion


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
