"""The labels asset: what it records, and what stops the way."""

from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa

from mlops_assets import keys
from mlops_assets.resources.stores import Stores
from mlops_assets.rooms.label import assets
from mlops_assets.spec.dataset import Dataset
from mlops_assets.spec.feature_table import FeatureTable
from mlops_assets.spec.model import Model
from mlops_assets.spec.plan import FeaturePlan, ModelPlan


def run(path: Path, values: list[float | None], task: str = "auto", **target: Any) -> dg.ExecuteInProcessResult:
    dataset = Dataset.model_validate({"name": "people", "source": {"files": "p"}, "key": ["id"]})
    table = FeatureTable.model_validate({"name": "facts", "dataset": "people", "columns": {"one": "1"}})
    model = Model.model_validate(
        {"name": "churn", "task": task, "target": {"column": "churned", **target}, "features": ["facts"]}
    )
    plan = ModelPlan.of(model, {"facts": FeaturePlan.of(table, {"people": dataset})})
    stores = Stores(home=str(path))
    data = pa.table({"id": list(range(len(values))), "churned": pa.array(values, pa.float64())})
    stores.lake().write("people/clean", data, batch="b")
    with dg.DagsterInstance.ephemeral(tempdir=str(path / "dagster")) as instance:
        instance.add_dynamic_partitions(keys.partitions("people"), ["b"])
        return dg.materialize(
            assets.build(plan), partition_key="b", instance=instance, resources={"stores": stores}, raise_on_error=False
        )


def outcomes(result: dg.ExecuteInProcessResult) -> dict[str, bool]:
    return {e.check_name: e.passed for e in result.get_asset_check_evaluations()}


def test_labels_are_recorded_with_their_numbers(tmp_path: Path) -> None:
    result = run(tmp_path, [1.0, 0.0, 0.0, None], excluded={"third": "id = 2"})
    assert result.success
    assert outcomes(result) == {"taxonomy": True, "coverage": True}
    [event] = result.get_asset_materialization_events()
    metadata = event.materialization.metadata
    counts = {name: metadata[name].value for name in ("labelled", "third", "no_outcome", "base_rate")}
    assert counts == {"labelled": 2, "third": 1, "no_outcome": 1, "base_rate": 0.5}
    assert Stores(home=str(tmp_path)).labels().read("churn").num_rows == 4


def test_a_label_that_is_neither_0_nor_1_stops_the_way(tmp_path: Path) -> None:
    result = run(tmp_path, [1.0, 2.0], task="binary")
    assert not result.success
    assert outcomes(result)["taxonomy"] is False


def test_few_labels_warn_and_do_not_stop_the_way(tmp_path: Path) -> None:
    result = run(tmp_path, [1.0, None, None, None])
    assert result.success
    assert outcomes(result)["coverage"] is False


def test_a_batch_whose_outcomes_are_all_missing_is_taken(tmp_path: Path) -> None:
    result = run(tmp_path, [None, None])
    assert result.success
    assert outcomes(result) == {"taxonomy": True, "coverage": False}
