"""The prediction log: no question is answered twice."""

from pathlib import Path

import pyarrow as pa
import pytest

from mlops_assets.errors import StoreError
from mlops_assets.stores.delta import DeltaLake
from mlops_assets.stores.predictions import ONLINE, LakePredictions


@pytest.fixture
def log(tmp_path: Path) -> LakePredictions:
    return LakePredictions(DeltaLake(tmp_path))


def answers(ids: list[str | None], score: float = 0.5) -> pa.Table:
    return pa.table({"prediction_id": pa.array(ids, pa.string()), "score": [score] * len(ids)})


def test_what_another_batch_answered_is_left_out(log: LakePredictions) -> None:
    log.record("m", answers(["a", "b"], 0.1), batch="1")
    assert log.record("m", answers(["b", "c"], 0.9), batch="2").rows == 1
    assert dict(zip(*log.read("m").to_pydict().values(), strict=True)) == {"a": 0.1, "b": 0.1, "c": 0.9}


def test_an_id_that_a_caller_gave_online_takes_no_batch_its_answer(log: LakePredictions) -> None:
    log.record("m", answers(["a"], 0.1), batch=ONLINE)
    assert log.record("m", answers(["a", "b"], 0.9), batch="1").rows == 2
    assert log.read("m", batches=["1"])["prediction_id"].to_pylist() == ["a", "b"]


def test_the_same_batch_is_replaced_whole(log: LakePredictions) -> None:
    first = log.record("m", answers(["a", "b"]), batch="1")
    again = log.record("m", answers(["b", "a"]), batch="1")
    assert (again.changed, again.number) == (False, first.number)
    assert log.record("m", answers(["a"], 0.7), batch="1").changed
    assert log.read("m").to_pylist() == [{"prediction_id": "a", "score": 0.7}]


@pytest.mark.parametrize("ids", [["a", "a"], ["a", None]])
def test_a_row_without_an_id_of_its_own_is_refused(log: LakePredictions, ids: list[str | None]) -> None:
    with pytest.raises(StoreError, match="1 doubled or missing"):
        log.record("m", answers(ids), batch="1")
    with pytest.raises(StoreError, match="need a column"):
        log.record("m", pa.table({"score": [1.0]}), batch="1")
    assert not log.exists("m")
