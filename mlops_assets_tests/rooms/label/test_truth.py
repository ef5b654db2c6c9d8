"""Labels: what the target says, when it was known, and the first reason why there is none."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from mlops_assets.errors import NotFound, SpecError, UnknownName
from mlops_assets.rooms.label.maturity import clock, matured
from mlops_assets.rooms.label.summary import by_day, picture, summarize
from mlops_assets.rooms.label.tasks import Binary
from mlops_assets.rooms.label.truth import labels
from mlops_assets.spec.dataset import Dataset
from mlops_assets.spec.feature_table import FeatureTable
from mlops_assets.spec.model import Model
from mlops_assets.spec.plan import FeaturePlan, ModelPlan
from mlops_assets.stores.delta import DeltaLake
from mlops_assets.stores.labels import LakeLabels

DAY = timedelta(days=1)
START = datetime(2013, 1, 1, tzinfo=UTC)
TIME = pa.timestamp("us", tz="UTC")
SCHEMA = pa.schema([("id", pa.int64()), ("t", TIME), ("delay", pa.float64()), ("cancelled", pa.bool_()), ("k", TIME)])
TARGET = {
    "column": "late",
    "expression": "delay > 15",
    "known_after": "1d",
    "excluded": {"cancelled": "cancelled", "odd": "delay > 1000"},
}


def plan_of(target: dict[str, Any] | None = None, **changes: Any) -> ModelPlan:
    given = {
        "name": "flights",
        "source": {"files": "f"},
        "key": ["id"],
        "event_time": "t",
        "outcomes": {"known_at": "k", "columns": ["delay", "cancelled"]},
    }
    dataset = Dataset.model_validate(given | changes)
    table = FeatureTable.model_validate({"name": "context", "dataset": "flights", "columns": {"one": "1"}})
    model = Model.model_validate({"name": "delays", "target": TARGET | (target or {}), "features": ["context"]})
    return ModelPlan.of(model, {"context": FeaturePlan.of(table, {"flights": dataset})})


def landed(path: Path, *rows: dict[str, Any], batch: str = "a") -> DeltaLake:
    lake = DeltaLake(path)
    given: list[dict[str, Any]] = [
        {"id": number, "t": START, "delay": 0.0, "cancelled": False, "k": START} for number in range(len(rows))
    ]
    data: list[dict[str, Any]] = [one | row for one, row in zip(given, rows, strict=True)]
    lake.write("flights/clean", pa.Table.from_pylist(data, schema=SCHEMA), batch=batch)
    return lake


def test_a_row_has_a_label_or_the_first_reason_why_not(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"delay": 20.0},
        {"delay": 15.0},
        {"delay": 2000.0, "cancelled": True},
        {"delay": 2000.0},
        {"delay": None},
    ]
    found = labels(landed(tmp_path, *rows), plan_of(), "a").to_pylist()
    assert [row["status"] for row in found] == ["labelled", "labelled", "cancelled", "odd", "no_outcome"]
    assert [row["label"] for row in found] == [1.0, 0.0, None, None, None]


def test_a_label_is_known_after_the_delay_and_not_before_its_outcome(tmp_path: Path) -> None:
    lake = landed(tmp_path, {"k": START}, {"k": START + 3 * DAY}, {"k": None})
    known_at = [row["known_at"] for row in labels(lake, plan_of(), "a").to_pylist()]
    assert known_at == [START + DAY, START + 3 * DAY, START + DAY]


def test_without_declared_outcomes_the_delay_alone_counts(tmp_path: Path) -> None:
    [row] = labels(landed(tmp_path, {"k": START + 3 * DAY}), plan_of(outcomes=None), "a").to_pylist()
    assert row["known_at"] == START + DAY


def test_the_target_may_be_a_column_and_only_the_batch_is_read(tmp_path: Path) -> None:
    lake = landed(tmp_path, {"delay": 1.0})
    landed(tmp_path, {"delay": 0.0}, {"delay": 1.0}, batch="b")
    found = labels(lake, plan_of({"column": "delay", "expression": None, "excluded": {}}), "b")
    assert found.column_names == ["id", "event_time", "known_at", "label", "status"]
    assert found["label"].to_pylist() == [0.0, 1.0]
    assert set(found["status"].to_pylist()) == {"labelled"}


def test_a_dataset_without_event_time_has_labels_that_are_known_already(tmp_path: Path) -> None:
    lake, plan = landed(tmp_path, {"delay": 20.0}, {"delay": None}), plan_of(event_time=None, outcomes=None)
    store = LakeLabels(lake)
    store.record("delays", labels(lake, plan, "a"), batch="a")
    assert clock(lake, plan.dataset) is None
    assert matured(store, "delays", None)["label"].to_pylist() == [1.0]


def test_the_clock_is_the_newest_event_and_brings_labels_to_maturity(tmp_path: Path) -> None:
    lake, plan = landed(tmp_path, {"t": START}, {"t": START + DAY}, {"t": START + DAY, "cancelled": True}), plan_of()
    store = LakeLabels(lake)
    store.record("delays", labels(lake, plan, "a"), batch="a")
    now = clock(lake, plan.dataset)
    assert now == START + DAY
    assert matured(store, "delays", now)["id"].to_pylist() == [0]


def test_there_is_no_clock_before_the_first_batch(tmp_path: Path) -> None:
    assert clock(DeltaLake(tmp_path), plan_of().dataset) is None


def test_a_target_that_nobody_knows_is_answered_with_the_near_name(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="did you mean 'delay'"):
        labels(landed(tmp_path, {}), plan_of({"column": "dely", "expression": None}), "a")


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ({"expression": "nothing > 1"}, "target of model 'delays'"),
        ({"expression": "k"}, "is no number; got: TIMESTAMP WITH TIME ZONE"),
        ({"excluded": {"odd": "nothing"}}, "reason 'odd' of model 'delays'"),
        ({"excluded": {"labelled": "cancelled"}}, "the name is taken"),
    ],
)
def test_a_target_that_cannot_be_computed_is_refused(tmp_path: Path, target: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        labels(landed(tmp_path, {}), plan_of(target), "a")


def test_labels_before_any_clean_batch_say_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="flights/clean"):
        labels(DeltaLake(tmp_path), plan_of(), "a")


def test_the_summary_counts_every_reason_also_when_it_never_held(tmp_path: Path) -> None:
    plan = plan_of()
    rows = labels(landed(tmp_path, {"delay": 20.0}, {"delay": 1.0}, {"cancelled": True}), plan, "a")
    found = summarize(rows, plan.model.target, Binary())
    assert found.counts == {"labelled": 2, "cancelled": 1, "odd": 0, "no_outcome": 0}
    assert (found.said, found.strangers) == ({"base_rate": 0.5}, ())
    assert found.share == pytest.approx(2 / 3)


def test_the_picture_of_the_positive_rate_is_small(tmp_path: Path) -> None:
    rows = [{"t": START + number * DAY / 4, "delay": 20.0 * (number % 3)} for number in range(120)]
    days = by_day(labels(landed(tmp_path, *rows), plan_of(), "a"), Binary())
    assert days[START.date()] == 0.5
    assert len(days) == 30
    assert len(picture(days)) < 20_000
