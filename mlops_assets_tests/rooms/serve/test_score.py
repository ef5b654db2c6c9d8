from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from mlops_assets.errors import StoreError
from mlops_assets.rooms.label.tasks import Binary
from mlops_assets.rooms.serve.score import answering, faults, features, prediction_ids, score, untrained
from mlops_assets.spec.feature_table import FeatureTable
from mlops_assets.spec.model import Model
from mlops_assets.spec.plan import FeaturePlan, ModelPlan
from mlops_assets.stores.delta import DeltaLake
from mlops_assets.stores.predictions import LakePredictions
from mlops_assets_tests.rooms import trips
from mlops_assets_tests.rooms.serve.served import APRIL, MemoryRegistry, champion, split


@pytest.fixture
def lake(tmp_path: Path) -> DeltaLake:
    return DeltaLake(tmp_path)


@pytest.fixture
def registry() -> MemoryRegistry:
    early, _ = split(trips.rows())
    registry = MemoryRegistry()
    champion(registry, early, trips.plan())
    return registry


def two_tables() -> ModelPlan:
    dataset = trips.plan().dataset
    tables = {
        name: FeaturePlan.of(
            FeatureTable(name=name, dataset="trips", columns={c: c for c in columns}), {"trips": dataset}
        )
        for name, columns in {"trip_facts": ("distance", "carrier"), "weather": ("rain",)}.items()
    }
    model = Model.model_validate({"name": "late_trips", "target": {"column": "late"}, "features": tuple(tables)})
    return ModelPlan.of(model, tables)


def test_every_row_gets_one_score_by_time_and_the_log_has_its_columns(registry: MemoryRegistry) -> None:
    _, late = split(trips.rows())
    shuffled = late.take(pa.array(np.random.default_rng(0).permutation(late.num_rows)))
    answers = score(registry.bundles[1], shuffled, trips.plan())
    assert answers.column_names == [
        "prediction_id", "trip", "event_time", "score", "answer", "model_version", "baseline"
    ]  # fmt: skip
    assert answers["trip"].to_pylist() == late["trip"].to_pylist()
    assert answers.equals(score(registry.bundles[1], late, trips.plan()))
    assert not faults(answers, late.num_rows, Binary())
    assert answers["answer"].equals(pc.greater_equal(answers["score"], 0.5))


def test_no_rows_are_no_answers_of_the_same_shape(registry: MemoryRegistry) -> None:
    _, late = split(trips.rows())
    none = score(registry.bundles[1], late.slice(0, 0), trips.plan())
    assert none.schema == score(registry.bundles[1], late, trips.plan()).schema
    assert none.num_rows == 0


def test_a_prediction_is_named_by_model_and_key_alone() -> None:
    key = pa.table({"trip": [1, 2], "leg": ["a", None]})
    first = prediction_ids(key, "late").to_pylist()
    assert first == prediction_ids(key, "late").to_pylist()
    assert not set(first) & set(prediction_ids(key, "other").to_pylist())
    assert prediction_ids(pa.table({"a": ["1,2"], "b": ["3"]}), "m") != prediction_ids(
        pa.table({"a": ["1"], "b": ["2,3"]}), "m"
    )
    assert all(len(name) == 32 for name in first)


def test_rows_that_the_model_was_trained_on_are_left_out(lake: DeltaLake, registry: MemoryRegistry) -> None:
    rows = trips.rows()
    fresh = untrained(lake, trips.plan(), registry.bundles[1], rows)
    assert min(fresh["event_time"].to_pylist()) >= APRIL
    assert fresh.num_rows == split(rows)[1].num_rows


def test_without_event_time_every_row_that_training_could_read_is_left_out(lake: DeltaLake) -> None:
    plan, rows = trips.plan(timed=False), trips.rows(400, timed=False)
    trips.fill(lake, rows.slice(0, 200), batch="a")
    registry = MemoryRegistry()
    champion(registry, rows.slice(0, 200), plan, clean=lake.version("trips/clean"))
    trips.fill(lake, rows.slice(200), batch="b")
    assert sorted(untrained(lake, plan, registry.bundles[1], rows)["trip"].to_pylist()) == list(range(200, 400))


def test_features_come_from_every_table_of_the_batch_joined_by_key(lake: DeltaLake) -> None:
    plan, rows = two_tables(), trips.rows(50)
    lake.write("trip_facts/offline", rows.select(["trip", "event_time", "distance", "carrier"]), batch="a")
    lake.write("weather/offline", rows.select(["trip", "event_time", "rain"]), batch="a")
    lake.write("weather/offline", rows.select(["trip", "event_time", "rain"]).slice(0, 3), batch="b")
    found = features(lake, plan, "a").sort_by("trip")
    assert found.column_names == ["trip", "event_time", "distance", "carrier", "rain"]
    assert found["rain"].to_pylist() == rows["rain"].to_pylist()


def test_feature_tables_with_other_rows_are_refused(lake: DeltaLake) -> None:
    plan, rows = two_tables(), trips.rows(50)
    lake.write("trip_facts/offline", rows.select(["trip", "event_time", "distance", "carrier"]), batch="a")
    lake.write("weather/offline", rows.select(["trip", "event_time", "rain"]).slice(1), batch="a")
    with pytest.raises(StoreError, match="different rows of batch 'a'"):
        features(lake, plan, "a")


def test_a_batch_is_answered_again_by_the_version_that_answered_it(lake: DeltaLake, registry: MemoryRegistry) -> None:
    log, (early, late) = LakePredictions(lake), split(trips.rows())
    log.record("late_trips", score(registry.bundles[1], late, trips.plan()), batch="april")
    champion(registry, early.slice(0, 500), trips.plan())
    before, after = answering(registry, log, "late_trips", "april"), answering(registry, log, "late_trips", "may")  # type: ignore[arg-type]  # as much of a registry as is asked for
    assert before is not None
    assert after is not None
    assert (before.number, after.number) == (1, 2)


def test_without_a_champion_nobody_answers(lake: DeltaLake) -> None:
    assert answering(MemoryRegistry(), LakePredictions(lake), "late_trips", "april") is None  # type: ignore[arg-type]  # as much of a registry as is asked for


def test_missing_answers_and_wild_scores_are_faults(registry: MemoryRegistry) -> None:
    _, late = split(trips.rows())
    answers = score(registry.bundles[1], late, trips.plan())
    wild = answers.set_column(3, "score", pa.array([float("nan"), 1.5, *[0.5] * (late.num_rows - 2)]))
    assert faults(wild, late.num_rows, Binary()) == ["2 scores are no binary scores"]
    assert faults(answers, late.num_rows + 1, Binary()) == [f"{late.num_rows} answers to {late.num_rows + 1} rows"]
