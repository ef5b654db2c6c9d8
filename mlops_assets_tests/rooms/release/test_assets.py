"""The retraining in Dagster: training set to champion in one run, with checks, figures, pictures and links."""

import itertools
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import dagster as dg
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from mlops_assets import keys
from mlops_assets.errors import NoVerdict
from mlops_assets.resources.stores import Stores
from mlops_assets.rooms.evaluate import assets as evaluate
from mlops_assets.rooms.monitor import assets as monitor
from mlops_assets.rooms.release import assets as release
from mlops_assets.rooms.release import jobs
from mlops_assets.rooms.release.promotion import latest_verdict
from mlops_assets.rooms.release.sensors import consider
from mlops_assets.rooms.serve import assets as serve
from mlops_assets.rooms.serve.checks import found
from mlops_assets.rooms.serve.sensors import look
from mlops_assets.rooms.train import assets as train
from mlops_assets.spec.plan import ModelPlan
from mlops_assets.stores.serving import GUARD
from mlops_assets_tests.rooms import trips

STAGES = ("training_set", "leaderboard", "challenger", "evaluation", "verdict", "champion")


def retrain(
    home: Path, plan: ModelPlan, instance: dg.DagsterInstance, *, raises: bool = True
) -> dg.ExecuteInProcessResult:
    assets = [asset for room in (train, evaluate, release) for asset in room.build(plan)]
    return dg.materialize(
        assets, resources={"stores": Stores(home=str(home))}, instance=instance, raise_on_error=raises
    )


def metadata(result: dg.ExecuteInProcessResult, stage: str) -> dict[str, object]:
    made = [event.step_materialization_data.materialization for event in result.get_asset_materialization_events()]
    (event,) = (each for each in made if each.asset_key.path[-1] == stage)
    return {name: value.value for name, value in event.metadata.items()}


def rest() -> pa.Table:
    """Of the trips, those of the month after all that was trained on."""
    data = trips.rows(1_000, 30, seed=1)
    later = pc.add(data["event_time"], pa.scalar(timedelta(days=121)))
    moved = data.set_column(data.column_names.index("event_time"), "event_time", later)
    return moved.set_column(0, "trip", pa.array(np.arange(10_000, 11_000)))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    trips.fill(Stores(home=str(home)).lake(), trips.rows())  # type: ignore[arg-type]  # the embedded lake
    return home


@pytest.mark.slow
def test_one_run_trains_judges_and_releases_and_the_next_changes_nothing(home: Path) -> None:
    plan = trips.plan(evaluate={"slices": ("carrier",)})
    with dg.DagsterInstance.ephemeral() as instance:
        first = retrain(home, plan, instance)
        versions = {stage: _version(instance, stage) for stage in STAGES}
        again = retrain(home, plan, instance)

        assert {check.check_name for check in first.get_asset_check_evaluations()} == {
            *("leakage", "representative", "beats_baseline", "artifacts_complete")
        }
        assert all(check.passed for check in first.get_asset_check_evaluations())
        verdict = metadata(first, "verdict")
        assert verdict["decision"] == "FIRST_MODEL"
        assert verdict["low"] > 0  # type: ignore[operator]  # a figure
        assert "| objective | yes |" in str(verdict["gates"])
        assert Path(str(metadata(first, "evaluation")["report_file"])).is_file()
        assert Path(str(metadata(first, "champion")["report_file"])).is_file()
        assert "data:image/png" in str(metadata(first, "leaderboard")["picture"])
        assert versions["champion"].startswith("late_trips@1:")
        assert "| onnx (serves) |" in str(metadata(first, "champion")["formats"])
        live = Stores(home=str(home)).serving().live("late_trips")
        assert live is not None
        assert metadata(first, "champion")["serving_bundle"] == live.champion
        assert str(metadata(first, "champion")["engine"]).startswith("onnx: 100.0000%")

        assert metadata(again, "verdict")["decision"] == "REJECT"
        assert not again.asset_materializations_for_node("late_trips_champion")
        assert metadata(again, "challenger")["changed"] is False
        same = ("training_set", "leaderboard", "challenger")
        assert {stage: _version(instance, stage) for stage in same} == {stage: versions[stage] for stage in same}


@pytest.mark.slow
def test_a_refused_challenger_leaves_no_batch_unanswered_and_the_champion_as_old_as_it_is(home: Path) -> None:
    plan, stores = trips.plan(), Stores(home=str(home))
    trips.fill(stores.lake(), rest(), batch="may")  # type: ignore[arg-type]  # the embedded lake
    everything = [asset for room in (release, serve, monitor) for asset in room.build(plan)]
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions(keys.partitions("trips"), ["may"])
        result = dg.materialize(everything, resources={"stores": stores}, instance=instance, partition_key="may")
        made = {event.asset_key.path[-1] for event in result.get_asset_materialization_events() if event.asset_key}
    assert made == {"predictions", "drift_report", "performance_report"}
    assert not [event.step_key for event in result.all_events if event.is_step_skipped]
    assert set(stores.predictions().read(plan.name, batches=["may"])["model_version"].to_pylist()) == {1}


@pytest.mark.slow
def test_every_format_was_measured_once_and_mlflows_own_is_not_trusted(home: Path) -> None:
    lineage = Stores(home=str(home)).lineage()
    (record,) = lineage.records("formats", "late_trips")
    by_name = {each["name"]: each for each in record.body["formats"]}
    assert by_name.keys() == {"onnx", "skops", "mlflow"}
    assert all(each["worst"] <= 1e-4 and each["size"] > 0 for each in by_name.values())
    assert [name for name, each in by_name.items() if each["safe"]] == ["onnx", "skops"]


@pytest.mark.slow
def test_a_release_that_needs_approval_waits_for_it_and_the_sensor_carries_it_out(home: Path) -> None:
    plan, stores = trips.plan(release={"approval": "required"}), Stores(home=str(home))
    refused = latest_verdict(stores.lineage(), plan.name)
    gates = tuple(replace(gate, passed=True) for gate in refused.gates)
    replace(refused, decision="ACCEPT", gates=gates).record(stores.lineage())
    with dg.DagsterInstance.ephemeral() as instance:
        assert "waits for approval" in str(consider(instance, stores, plan))
        waits = dg.materialize(release.build(plan), resources={"stores": stores}, instance=instance)
        assert not waits.asset_materializations_for_node("late_trips_champion")
        assert stores.lineage().latest("approval_request", plan.name) is not None

        with pytest.raises(NoVerdict, match="waits for approval"):
            act(plan, stores, instance, "promote", {})
        act(plan, stores, instance, "approve", {"say_yes": {"who": "Ada", "role": "risk officer"}})
        asked = consider(instance, stores, plan)
        assert isinstance(asked, dg.RunRequest)
        done = act(plan, stores, instance, "promote", {}, tags=asked.tags)
        (event,) = done.get_asset_materialization_events()
        assert event.materialization.metadata["who"].value == "Ada (risk officer)"
        assert "is released" in str(consider(instance, stores, plan))


@pytest.mark.slow
def test_the_jobs_of_the_launchpad_override_and_roll_back(home: Path) -> None:
    plan, stores = trips.plan(), Stores(home=str(home))
    with dg.DagsterInstance.ephemeral() as instance:
        with pytest.raises(NoVerdict, match="was champion before"):
            act(plan, stores, instance, "rollback", {})
        said = {"version": 1, "override": True, "who": "Ada", "reason": "the strike", "expires_days": 2.0}
        done = act(plan, stores, instance, "promote", {"release": said})
        (event,) = done.get_asset_materialization_events()
        assert event.materialization.metadata["decision"].value == "OVERRIDE"
        assert Path(str(event.materialization.metadata["report_file"].value)).is_file()
        assert _version(instance, "champion").startswith("late_trips@1:")


@pytest.mark.slow
def test_what_the_services_guard_took_back_is_not_published_again(home: Path) -> None:
    plan, stores = trips.plan(train={"holdout": "27d"}), Stores(home=str(home))
    store, said = stores.serving(), {"override": True, "who": "Ada", "reason": "the strike", "expires_days": 2.0}
    with dg.DagsterInstance.ephemeral() as instance:
        retrain(home, plan, instance)
        number = latest_verdict(stores.lineage(), plan.name).challenger
        first = store.released(plan.name)
        act(plan, stores, instance, "promote", {"release": {**said, "version": number}})
        assert store.released(plan.name) != first
        store.release(plan.name, first, evidence=f"{GUARD}version {number}: it was slow")

        (event,) = look(stores, plan).asset_events
        assert isinstance(event, dg.AssetMaterialization)
        assert (event.metadata["who"].value, event.metadata["version"].value) == ("guard", 1)
        assert not dg.materialize(
            release.build(plan), resources={"stores": stores}, instance=instance
        ).asset_materializations_for_node(f"{plan.name}_champion")
    champion = stores.registry().champion(plan.name)
    assert champion is not None
    assert (champion.number, store.load(plan.name, store.released(plan.name)).manifest["version"]) == (1, 1)
    assert found(stores, plan.name) == ""


def act(
    plan: ModelPlan,
    stores: Stores,
    instance: dg.DagsterInstance,
    job: str,
    config: dict[str, dict[str, object]],
    *,
    tags: Mapping[str, str] | None = None,
) -> dg.ExecuteInProcessResult:
    (found,) = (each for each in jobs.build(plan) if each.name == f"{plan.name}_{job}")
    given = {"ops": {f"{plan.name}_{op}": {"config": said} for op, said in config.items()}}
    return found.execute_in_process(
        run_config=given, resources={"stores": stores}, instance=instance, tags=dict(tags or {})
    )


def test_a_leak_stops_the_run_before_anything_is_learnt(tmp_path: Path) -> None:
    data = trips.rows()
    leak = pa.array(data["label"].to_numpy() + 0.01 * np.random.default_rng(0).normal(size=len(data)))
    place = data.column_names.index("noise")
    trips.fill(Stores(home=str(tmp_path)).lake(), data.set_column(place, "noise", leak))  # type: ignore[arg-type]  # the embedded lake
    with dg.DagsterInstance.ephemeral() as instance:
        result = retrain(tmp_path, trips.plan(), instance, raises=False)
    assert not result.success
    (leakage,) = (check for check in result.get_asset_check_evaluations() if check.check_name == "leakage")
    assert not leakage.passed
    assert "noise alone tells the outcomes apart" in str(leakage.description)
    assert not result.asset_materializations_for_node("late_trips_leaderboard")


def test_every_stage_is_tagged_for_retraining_and_depends_on_the_one_before() -> None:
    specs = {
        spec.key.path[-1]: spec
        for room in (train, evaluate, release)
        for a in room.build(trips.plan())
        for spec in a.specs
    }
    assert tuple(specs) == STAGES
    assert {spec.tags["mlops/retrain"] for spec in specs.values()} == {"late_trips"}
    assert {"/".join(dep.asset_key.path) for dep in specs["training_set"].deps} == {
        "late_trips/labels",
        "trip_facts/offline",
    }
    for before, after in itertools.pairwise(STAGES):
        assert dg.AssetKey(["late_trips", before]) in {dep.asset_key for dep in specs[after].deps}


def _version(instance: dg.DagsterInstance, stage: str) -> str:
    record = instance.get_latest_data_version_record(dg.AssetKey(["late_trips", stage]))
    assert record is not None
    assert record.asset_materialization is not None
    tags = record.asset_materialization.tags
    assert tags is not None
    return tags["dagster/data_version"]
