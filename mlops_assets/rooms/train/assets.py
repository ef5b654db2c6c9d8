"""`<model>/training_set`, `/leaderboard` and `/challenger`: from matured labels to a registered model."""

import time
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import dagster as dg

from mlops_assets import keys
from mlops_assets.resources import declaration, presentation
from mlops_assets.resources.mlflow import training_registry
from mlops_assets.resources.stores import Stores
from mlops_assets.rooms.train import board as boards
from mlops_assets.rooms.train.challenger import challenge, faults
from mlops_assets.rooms.train.charts import bars
from mlops_assets.rooms.train.failure import watched
from mlops_assets.rooms.train.identity import canonical, digest, ingredients
from mlops_assets.rooms.train.leakage import declared_leaks, suspicious
from mlops_assets.rooms.train.progress import both, progress, record
from mlops_assets.rooms.train.select import Leaderboard, leaderboard
from mlops_assets.rooms.train.training_set import BATCH, Examples, examples, inputs, sizes, windowed
from mlops_assets.rooms.train.tuning import tune
from mlops_assets.spec.plan import ModelPlan

if TYPE_CHECKING:
    from mlops_assets.rooms.train.challenger import Challenger
    from mlops_assets.stores.lake import TableVersion

MIN_HOLDOUT_SHARE = 0.02
MAX_HOLDOUT_SHARE = 0.6


def build(plan: ModelPlan) -> list[dg.AssetsDefinition]:
    """The training assets of one model."""
    return [_training_set(plan), _leaderboard(plan), _challenger(plan)]


def _training_set(plan: ModelPlan) -> dg.AssetsDefinition:
    deps = [keys.key(plan.name, "labels"), *(keys.key(table.table.name, "offline") for table in plan.tables)]
    spec = _spec(
        plan, "training_set", "The exact rows to learn from and to be judged on, split by time.", deps, "duckdb"
    )
    key = spec.key
    checks = [
        dg.AssetCheckSpec("leakage", asset=key, blocking=True, description="No feature knows the answer."),
        dg.AssetCheckSpec("representative", asset=key, description="The held-out rows are like the training rows."),
    ]

    @dg.multi_asset(name=f"{plan.name}_training_set", specs=[spec], check_specs=checks)
    def training_set(context: dg.AssetExecutionContext, stores: Stores) -> declaration.Events:
        lake = stores.lake()
        read = inputs(lake, plan)
        rows, window = windowed(lake, plan, read)
        reason = window.reason if window else ""
        commit = {"run_id": context.run.run_id, "inputs": canonical(read), **({"window": reason} if reason else {})}
        version = lake.write(keys.table(plan.name, "training_set"), rows, batch=BATCH, commit=commit)
        figures = sizes(rows, plan)
        yield dg.MaterializeResult(
            asset_key=key,
            metadata={
                **presentation.table(version, rows.schema),
                **presentation.numbers(figures),
                **({"window": dg.MetadataValue.text(reason)} if reason else {}),
            },
            data_version=dg.DataVersion(version.fingerprint),
        )
        yield _leakage(key, plan, examples(rows, plan, "train"))
        yield _representative(key, figures)

    return training_set


def _leaderboard(plan: ModelPlan) -> dg.AssetsDefinition:
    described = "Every candidate from simple to complex, scored on time that it was not trained on, and the one chosen."
    spec = _spec(plan, "leaderboard", described, [keys.key(plan.name, "training_set")], "sklearn")

    @dg.multi_asset(name=f"{plan.name}_leaderboard", specs=[spec])
    def candidates(context: dg.AssetExecutionContext, stores: Stores) -> declaration.Events:
        lake, begun = stores.lake(), time.perf_counter()
        identity = ingredients(lake, plan).identity
        found = boards.find(lake, plan, identity)
        with watched(lake, stores.lineage(), plan, stage="leaderboard", run=context.run.run_id):
            board = found or _compared_all(context, stores, plan, identity)
        version = boards.save(lake, plan, board, identity)
        seconds = 0.0 if found else time.perf_counter() - begun
        yield dg.MaterializeResult(
            asset_key=spec.key,
            metadata=_shown(board, version, seconds),
            data_version=dg.DataVersion(digest([identity, board.chosen])),
        )

    return candidates


def _compared_all(context: dg.AssetExecutionContext, stores: Stores, plan: ModelPlan, identity: str) -> Leaderboard:
    """Every candidate, and the best variant where a search is declared, each trial an MLflow run below the search's."""
    train, wanted = _train_rows(stores, plan), plan.model.train.search
    if not wanted.trials:
        return leaderboard(train, plan)
    registry, folder = training_registry(context, stores, context.asset_key), stores.settings().searches / plan.name
    with registry.training(plan.name, tags={"kind": "search", "search": identity}) as run:
        with progress(wanted.trials, context.log.info) as told:
            tuned = tune(train, plan, name=identity, folder=folder, told=both(told, partial(record, run)))
        run.params({"estimator": tuned.estimator, **tuned.parameters})
        run.metrics({"trials": float(len(tuned.found.tried)), "best": tuned.found.best.figure or 0.0})
        return leaderboard(train, plan, tuned)


def _challenger(plan: ModelPlan) -> dg.AssetsDefinition:
    deps = [keys.key(plan.name, "leaderboard"), keys.key(plan.name, "training_set")]
    spec = _spec(plan, "challenger", "A trained model version that wants the champion's place.", deps, "mlflow")
    key = spec.key
    checks = [
        dg.AssetCheckSpec(
            "beats_baseline", asset=key, blocking=True, description="It knows more than the simplest guess."
        ),
        dg.AssetCheckSpec("artifacts_complete", asset=key, blocking=True, description="Its bundle is whole and works."),
    ]

    @dg.multi_asset(name=f"{plan.name}_challenger", specs=[spec], check_specs=checks)
    def challenger(context: dg.AssetExecutionContext, stores: Stores) -> declaration.Events:
        registry = training_registry(context, stores, key)
        tags = {"dagster_run": context.run.run_id}
        with watched(stores.lake(), stores.lineage(), plan, stage="challenger", run=context.run.run_id):
            made = challenge(stores.lake(), registry, stores.lineage(), plan, tags=tags)
        url, experiment = stores.settings().mlflow_url, registry.experiment(plan.name)
        link = presentation.mlflow_run(url, experiment, made.version.run_id)
        yield dg.MaterializeResult(
            asset_key=key, metadata={**_told(made), **link}, data_version=dg.DataVersion(made.version.digest)
        )
        yield _beats_baseline(key, made.board)
        yield _artifacts_complete(key, made)

    return challenger


def _spec(plan: ModelPlan, stage: str, description: str, deps: list[keys.Key], kind: str) -> dg.AssetSpec:
    return declaration.asset_spec(
        plan.name,
        stage,
        room="train",
        description=description,
        deps=deps,
        kinds=(kind,) if kind == "mlflow" else (kind, "deltalake"),
        owners=plan.model.owners,
        retrain=plan.name,
        configuration=plan.model.model_dump_json(),
    )


def _train_rows(stores: Stores, plan: ModelPlan) -> Examples:
    return examples(stores.lake().read(keys.table(plan.name, "training_set")), plan, "train")


def _leakage(key: dg.AssetKey, plan: ModelPlan, train: Examples) -> dg.AssetCheckResult:
    declared, alone = declared_leaks(plan), suspicious(train)
    words = [f"{name} reads {column}, which is not known at the event time" for name, column in declared.items()]
    words += [f"{name} alone tells the outcomes apart ({figure:.3f} of 1)" for name, figure in alone.items()]
    return dg.AssetCheckResult(
        asset_key=key,
        check_name="leakage",
        passed=not words,
        description="; ".join(words) or "no feature knows the answer",
        metadata=presentation.numbers({"declared": len(declared), "suspicious": len(alone)}),
    )


def _representative(key: dg.AssetKey, figures: Mapping[str, Any]) -> dg.AssetCheckResult:
    share = figures["holdout_rows"] / (figures["train_rows"] + figures["holdout_rows"])
    return dg.AssetCheckResult(
        asset_key=key,
        check_name="representative",
        passed=MIN_HOLDOUT_SHARE <= share <= MAX_HOLDOUT_SHARE,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{share:.1%} of the rows are held out; {_compared(figures)}",
        metadata=presentation.numbers({**figures, "holdout_share": share}),
    )


def _compared(figures: Mapping[str, Any]) -> str:
    """What the labels say in training and held out, a figure each."""
    names = [name.removeprefix("train_") for name in figures if name.startswith("train_") and name != "train_rows"]
    return ", ".join(
        f"{name.replace('_', ' ')} {figures[f'train_{name}']:.3f} trained on, {figures[f'holdout_{name}']:.3f} held out"
        for name in names
    )


def _beats_baseline(key: dg.AssetKey, board: Leaderboard) -> dg.AssetCheckResult:
    skill = board.winner.skill
    return dg.AssetCheckResult(
        asset_key=key,
        check_name="beats_baseline",
        passed=bool(skill > 0),
        description=f"{board.chosen}: skill {skill:+.4f} ({board.task.loss}) against the simplest guess, out of fold",
        metadata=presentation.numbers({"skill": skill}),
    )


def _artifacts_complete(key: dg.AssetKey, made: "Challenger") -> dg.AssetCheckResult:
    found = faults(made)
    return dg.AssetCheckResult(
        asset_key=key,
        check_name="artifacts_complete",
        passed=not found,
        description="; ".join(found) or f"{', '.join(sorted(made.bundle.files))} and the model, digest verified",
    )


def _shown(board: Leaderboard, version: "TableVersion", seconds: float) -> presentation.Metadata:
    rows = [
        f"| {e.candidate} | {e.objective:.4f} | {e.skill:+.4f} | {e.running.latency_ms:.1f} | {e.running.size_mb:.2f} |"
        f" {e.running.seconds:.1f} | {e.reason} |"
        for e in board.entries
    ]
    head = f"| candidate | {board.objective} | skill | ms a row | MB | seconds | why |\n"
    head += "| --- | ---: | ---: | ---: | ---: | ---: | --- |\n"
    figures = {f"{board.objective}_{entry.candidate}": entry.objective for entry in board.entries}
    return {
        **presentation.numbers({**figures, "rows": board.winner.rows, "seconds": seconds, "skill": board.winner.skill}),
        "chosen": dg.MetadataValue.text(board.chosen),
        "leaderboard": dg.MetadataValue.md(head + "\n".join(rows)),
        "picture": presentation.picture(bars(board), f"chosen: {board.chosen}"),
        "table": dg.MetadataValue.text(version.table),
        "table_version": dg.MetadataValue.int(version.number),
        "changed": dg.MetadataValue.bool(version.changed),
    }


def _told(made: "Challenger") -> presentation.Metadata:
    figures = {"version": made.version.number, "train_rows": made.manifest["train_rows"], "seconds": made.seconds}
    return {
        **presentation.numbers({**figures, "changed": made.changed, **made.manifest["metrics"]}),
        "candidate": dg.MetadataValue.text(made.manifest["candidate"]),
        "digest": dg.MetadataValue.text(made.version.digest),
        "trained_until": dg.MetadataValue.text(str(made.manifest["trained_until"])),
        "snapshot": dg.MetadataValue.json({"identity": made.snapshot.identity, "inputs": dict(made.snapshot.inputs)}),
    }
