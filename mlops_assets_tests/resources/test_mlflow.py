"""Each known fault of dagster-mlflow is held down: its run was shared, never ended, and never failed."""

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
import pytest

from mlops_assets.errors import StoreError
from mlops_assets.resources.mlflow import training_registry
from mlops_assets.resources.stores import Stores

if TYPE_CHECKING:
    from mlflow.entities import Run

Body = Callable[[str], object]


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Stores:
    return Stores(home=str(tmp_path_factory.mktemp("home")))


@pytest.fixture(autouse=True)
def clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Neither the working folder nor the process remembers a training."""
    import mlflow

    monkeypatch.chdir(tmp_path)
    yield
    assert mlflow.active_run() is None
    assert not {"MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_ID", "MLFLOW_RUN_ID"} & os.environ.keys()
    assert not list(tmp_path.glob("ml*"))


@dg.job
def _nothing() -> None:
    """Of runs that are only recorded."""


def trains(model: str, body: Body) -> dg.AssetsDefinition:
    spec = dg.AssetSpec(dg.AssetKey([model, "challenger"]), code_version="c0de")

    @dg.multi_asset(name=model, specs=[spec])
    def train(context: dg.AssetExecutionContext, stores: Stores) -> dg.MaterializeResult[None]:
        registry = training_registry(context, stores, spec.key)
        with registry.training(model, tags={"version/flights/clean": "3"}) as run:
            body(run.run_id)
        return dg.MaterializeResult(asset_key=spec.key)

    return train


def made(stores: Stores, *assets: dg.AssetsDefinition) -> str:
    return dg.materialize(list(assets), resources={"stores": stores}, raise_on_error=False).run_id


def runs(stores: Stores, model: str) -> "list[Run]":
    from mlops_assets.stores.mlflow import MlflowRegistry

    found = stores.settings()
    registry = MlflowRegistry(found.mlflow_uri, found.mlflow_artifacts)
    return list(registry.client().search_runs([registry.experiment(model)], order_by=["attributes.start_time"]))


def log(name: str, value: float) -> Body:
    import mlflow

    return lambda _: mlflow.log_metric(name, value)


def test_a_run_is_ended_and_says_where_it_came_from(stores: Stores) -> None:
    dagster_run = made(stores, trains("ended", log("auc", 0.7)))
    (run,) = runs(stores, "ended")
    assert (run.info.status, run.info.run_name, run.data.metrics) == ("FINISHED", "ended", {"auc": 0.7})
    assert run.info.end_time is not None
    tags = run.data.tags
    assert (tags["dagster_run_id"], tags["dagster_asset"]) == (dagster_run, "ended/challenger")
    assert (tags["dagster_code_version"], tags["version/flights/clean"]) == ("c0de", "3")


def test_a_run_that_raised_has_failed(stores: Stores) -> None:
    def fail(_: str) -> None:
        raise ArithmeticError

    made(stores, trains("failed", fail))
    (run,) = runs(stores, "failed")
    assert run.info.status == "FAILED"


def test_the_next_dagster_run_in_the_process_has_a_run_of_its_own(stores: Stores) -> None:
    first, second = (made(stores, trains("again", log("auc", value))) for value in (0.1, 0.2))
    found = runs(stores, "again")
    assert [run.data.tags["dagster_run_id"] for run in found] == [first, second]
    assert [run.data.metrics["auc"] for run in found] == [0.1, 0.2]


def test_the_models_of_one_dagster_run_never_share_a_run(stores: Stores) -> None:
    made(stores, trains("left", log("auc", 0.1)), trains("right", log("auc", 0.2)))
    (left,), (right,) = runs(stores, "left"), runs(stores, "right")
    assert (left.data.metrics["auc"], right.data.metrics["auc"]) == (0.1, 0.2)
    assert left.data.tags["dagster_run_id"] == right.data.tags["dagster_run_id"]


def test_trainings_of_two_threads_never_mix(stores: Stores) -> None:
    names = ["one", "two", "three"]
    threads = [
        threading.Thread(target=made, args=(stores, trains(name, log("auc", float(number)))))
        for number, name in enumerate(names)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = [runs(stores, name) for name in names]
    assert [[run.data.metrics["auc"] for run in each] for each in found] == [[0.0], [1.0], [2.0]]


def test_a_run_that_somebody_left_active_is_not_logged_into(stores: Stores) -> None:
    import mlflow

    seen: list[BaseException] = []

    def leave(_: str) -> None:
        mlflow.start_run(nested=True)
        mlflow.log_metric("child", 1.0)

    made(stores, trains("leaves", leave))
    assert [run.info.status for run in runs(stores, "leaves")] == ["FINISHED", "FAILED"]

    def inside(_: str) -> None:
        try:
            made_inside = dg.materialize([trains("inner", log("auc", 1.0))], resources={"stores": stores})
            pytest.fail(f"{made_inside.run_id} trained inside another training")
        except StoreError as problem:
            seen.append(problem)

    made(stores, trains("outer", inside))
    assert "active in this thread already" in str(seen[0])
    assert runs(stores, "inner") == []
    assert [run.data.metrics for run in runs(stores, "outer")] == [{}]


def test_what_a_killed_process_left_running_is_ended_by_the_next_training(stores: Stores) -> None:
    from mlops_assets.stores.mlflow import MlflowRegistry

    registry = MlflowRegistry(stores.settings().mlflow_uri, stores.settings().mlflow_artifacts)
    with dg.instance_for_test() as instance:
        killed, going = (
            instance.create_run_for_job(_nothing, status=status).run_id
            for status in (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.STARTED)
        )
        for dagster_run in (killed, going, "another instance's"):
            tags = {"dagster_run_id": dagster_run}
            registry.client().create_run(registry.experiment("killed"), tags=tags)
        dg.materialize([trains("killed", log("auc", 0.7))], resources={"stores": stores}, instance=instance)
    assert [run.info.status for run in runs(stores, "killed")] == ["KILLED", "RUNNING", "RUNNING", "FINISHED"]
