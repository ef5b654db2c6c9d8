"""`<feature table>/offline` and `<feature table>/online`: one definition for training and for serving."""

from collections.abc import Iterable

import dagster as dg

from mlops_assets import keys
from mlops_assets.resources import presentation
from mlops_assets.resources.declaration import Events, asset_spec, batches
from mlops_assets.resources.stores import Stores
from mlops_assets.rooms.features.definitions import Change, changes, definitions
from mlops_assets.rooms.features.look_ahead import Violation, audit
from mlops_assets.rooms.features.online import refresh, stand
from mlops_assets.rooms.features.origin import origins
from mlops_assets.rooms.features.parity import row_mismatches, sample, skew, told
from mlops_assets.rooms.features.quality import not_finite, null_shares
from mlops_assets.rooms.features.table import materialize
from mlops_assets.rooms.features.views import views
from mlops_assets.spec.plan import FeaturePlan
from mlops_assets.stores.lake import Lake

_SHOWN = 10
"""Faults that a failed check names."""


def build(plan: FeaturePlan) -> list[dg.AssetsDefinition]:
    """The offline and the online asset of one feature table, with their checks."""
    return [_offline(plan), _online(plan)]


def _offline(plan: FeaturePlan) -> dg.AssetsDefinition:
    name, dataset = plan.table.name, plan.table.dataset
    spec = _spec(
        plan, "offline", f"Features of each row of {dataset}, as known at its event time.", "duckdb", "deltalake"
    )
    spec = spec.replace_attributes(deps=list(_deps(plan)))
    checks = [
        _check(
            spec, "no_look_ahead", "A sample of rows, recomputed from the past as it was known, comes out the same."
        ),
        _check(spec, "finite", "No feature is NaN or infinite; null is allowed."),
        _check(spec, "unchanged", "No feature that a released model uses means something else than in its training."),
        _check(spec, "row_count", f"One row a clean row of {dataset}."),
    ]

    @dg.multi_asset(name=f"{name}_offline", specs=[spec], check_specs=checks)
    def offline(context: dg.AssetExecutionContext, stores: Stores) -> Events:
        lake, batch = stores.lake(), context.partition_key
        meaning = definitions(lake, plan)
        changed = changes(lake, stores.lineage(), name, meaning)
        if changed:
            yield _unchanged(spec, plan, changed)
            return
        commit = {"run_id": context.run.run_id, "code": str(spec.code_version)}
        version = materialize(lake, plan, batch, meaning=meaning, commit=commit)
        rows = lake.read(version.table, batches=[batch])
        features = plan.table.feature_names()
        shares = null_shares(rows, features)
        given = lake.read(keys.table(dataset, "clean"), batches=[batch], columns=list(plan.dataset.key)).num_rows
        yield dg.MaterializeResult(
            asset_key=spec.key,
            data_version=dg.DataVersion(version.fingerprint),
            metadata={
                **presentation.table(version, rows.schema),
                **presentation.numbers(_figures(shares)),
                **_nulls(shares),
                "dagster/column_lineage": _lineage(lake, plan),
            },
            check_results=[
                _look_ahead(spec, audit(lake, plan, batch)),
                _finite(spec, not_finite(rows, features)),
                _unchanged(spec, plan, changed),
                _row_count(spec, rows.num_rows, given),
            ],
        )

    return offline


def _online(plan: FeaturePlan) -> dg.AssetsDefinition:
    name = plan.table.name
    entities = ", ".join(dict.fromkeys(" and ".join(view.by) for view in views(plan.table)))
    newest = f"The newest features of each {' and '.join(plan.dataset.key)}." if plan.table.online.rows else ""
    described = f"{newest} For requests, what is looked up by {entities}, as of now.".strip() if entities else newest
    spec = _spec(plan, "online", described, "sqlite")
    spec = spec.replace_attributes(deps=[dg.AssetKey(list(keys.key(name, "offline")))])
    parity = _check(spec, "parity", "Requests for a sample of rows get the same features the batch and the online way.")

    @dg.multi_asset(name=f"{name}_online", specs=[spec], check_specs=[parity])
    def online(context: dg.AssetExecutionContext, stores: Stores) -> Events:
        lake, store, batch = stores.lake(), stores.online(), context.partition_key
        offline, table = keys.table(name, "offline"), keys.table(name, "online")
        refreshed = refresh(lake, store, plan)
        figures = {f"entities {view.removeprefix(table)[1:]}": count for view, count in refreshed.rows.items()}
        mismatches = skew(lake, store, plan, sample(lake, plan, batch))
        if plan.table.online.rows:
            rows = lake.read(offline, batches=[batch])
            kept = store.put(table, plan.dataset.key, rows, time_column="event_time")
            stand(lake, store, plan)
            figures |= {"rows_offered": rows.num_rows, "rows_kept": kept, "keys": store.count(table)}
            mismatches += row_mismatches(store, plan, rows)
        as_of = {"as_of": dg.MetadataValue.text(refreshed.as_of.isoformat())} if refreshed.as_of else {}
        count = figures.get("keys", sum(store.count(view) for view in refreshed.rows))
        yield dg.MaterializeResult(
            asset_key=spec.key,
            data_version=dg.DataVersion(lake.fingerprint(offline, batch=batch)),
            metadata={"dagster/row_count": count, **as_of, **presentation.numbers(figures)},
            check_results=[_result(spec, "parity", told(mismatches), {"mismatches": len(mismatches)})],
        )

    return online


def _spec(plan: FeaturePlan, stage: str, description: str, *kinds: str) -> dg.AssetSpec:
    datasets = "\n".join(dataset.model_dump_json() for dataset in plan.datasets.values())
    return asset_spec(
        plan.table.name,
        stage,
        room="features",
        description=f"{plan.table.description}\n\n{description}".strip(),
        kinds=kinds,
        owners=plan.table.owners,
        way=plan.table.dataset,
        partitions_def=batches(plan.table.dataset),
        configuration=f"{plan.table.model_dump_json()}\n{datasets}{_functions_digest(plan)}",
        skippable=stage == "offline",
    )


def _functions_digest(plan: FeaturePlan) -> str:
    """Of the files with the user's functions."""
    return "".join(f"\n{plan.place.digest(each.function)}" for each in plan.table.all_functions())


def _deps(plan: FeaturePlan) -> Iterable[dg.AssetDep]:
    """The described dataset batch by batch; a joined table, whose batches are its own, as a whole."""
    described = keys.key(plan.table.dataset, "clean")
    tables = [keys.key(name, "clean") for name in plan.datasets] + [keys.key(name, "offline") for name in plan.tables]
    for key in tables:
        whole = None if key == described else dg.AllPartitionMapping()
        yield dg.AssetDep(dg.AssetKey(list(key)), partition_mapping=whole)


def _check(spec: dg.AssetSpec, name: str, description: str) -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(name, asset=spec.key, blocking=True, description=description)


def _result(spec: dg.AssetSpec, name: str, faults: list[str], figures: dict[str, int]) -> dg.AssetCheckResult:
    shown = "\n".join(f"- {fault}" for fault in faults[:_SHOWN])
    return dg.AssetCheckResult(
        asset_key=spec.key,
        check_name=name,
        passed=not faults,
        severity=dg.AssetCheckSeverity.ERROR,
        description=shown or "no fault",
        metadata=dict(presentation.numbers(figures)),
    )


def _look_ahead(spec: dg.AssetSpec, violations: list[Violation]) -> dg.AssetCheckResult:
    faults = [
        f"{v.feature} of {v.key} at {v.event_time}: {v.got}; from what was known then, of its row alone: {v.expected}"
        for v in violations
    ]
    return _result(spec, "no_look_ahead", faults, {"violations": len(faults)})


def _unchanged(spec: dg.AssetSpec, plan: FeaturePlan, changed: list[Change]) -> dg.AssetCheckResult:
    step = f"give feature table '{plan.table.family}' version: {plan.table.version + 1}, beside this one"
    faults = [
        f"{change.feature} {'is gone' if change.gone else 'has changed'}, and released models use it: "
        f"{', '.join(f'{user.model} version {user.version}' for user in change.users)}; next: {step}"
        for change in changed
    ]
    return _result(spec, "unchanged", faults, {"changed": len(changed)})


def _finite(spec: dg.AssetSpec, counts: dict[str, int]) -> dg.AssetCheckResult:
    faults = [f"{name}: {count} NaN or infinite values" for name, count in counts.items()]
    return _result(spec, "finite", faults, {"values": sum(counts.values())})


def _row_count(spec: dg.AssetSpec, rows: int, given: int) -> dg.AssetCheckResult:
    faults = [] if rows == given else [f"{rows} rows of features for {given} clean rows"]
    return _result(spec, "row_count", faults, {"rows": rows, "clean": given})


def _figures(shares: dict[str, float]) -> dict[str, float]:
    worst = max(shares.values())
    return {"features": len(shares), "null_share": sum(shares.values()) / len(shares), "null_share_of_worst": worst}


def _nulls(shares: dict[str, float]) -> dict[str, dg.MetadataValue]:
    worst = sorted(shares.items(), key=lambda item: -item[1])[:_SHOWN]
    lines = [f"| {name} | {share:.2%} |" for name, share in worst if share]
    text = "\n".join(["| feature | null |", "| --- | --- |", *lines]) if lines else "No feature is ever null."
    return {"nulls": dg.MetadataValue.md(text)}


def _lineage(lake: Lake, plan: FeaturePlan) -> dg.MetadataValue:
    deps = {
        feature: [dg.TableColumnDep(dg.AssetKey(list(key)), column) for key, column in behind]
        for feature, behind in origins(lake, plan).items()
    }
    return dg.MetadataValue.column_lineage(dg.TableColumnLineage(deps))
