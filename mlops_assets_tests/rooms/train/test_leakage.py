"""Leakage: a feature that reads an outcome, or that alone knows the answer, is found; honest ones are not."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from mlops_assets.rooms.train.leakage import declared_leaks, suspicious
from mlops_assets.rooms.train.training_set import Examples, assemble, examples, inputs
from mlops_assets_tests.rooms import trips


def train_rows(folder: Path, data: pa.Table) -> Examples:
    lake, plan = trips.world(folder).lake, trips.plan()
    trips.fill(lake, data)
    return examples(assemble(lake, plan, inputs(lake, plan)), plan, "train")


@pytest.mark.parametrize("expression", ["delay", 'coalesce("Delay", 0)', "date_part('hour', arrived)", "late * 2"])
def test_a_feature_of_an_outcome_of_its_own_row_is_named(expression: str) -> None:
    columns = {name: name for name in trips.FEATURES} | {"noise": expression}
    assert list(declared_leaks(trips.plan(columns=columns))) == ["noise"]


PAST = {"name": "past", "stat": "mean", "of": "late", "by": ["origin"], "over": ["1d", "7d"]}


@pytest.mark.parametrize("of", ["late", 'coalesce("Late", 0)', "delay > 15"])
def test_an_aggregation_of_the_target_over_a_dataset_that_dates_no_outcomes_is_a_leak(of: str) -> None:
    target = {"column": "late", "expression": "delay > 20", "known_after": "1d"}
    plan = trips.plan(aggregations=({**PAST, "of": of},), outcomes=False, target=target)
    assert list(declared_leaks(plan)) == ["past_1d", "past_7d"]


def test_an_aggregation_of_dated_outcomes_or_of_what_the_target_is_not_made_of_is_no_leak() -> None:
    assert declared_leaks(trips.plan(aggregations=({**PAST, "of": "delay > 15"},))) == {}
    assert declared_leaks(trips.plan(aggregations=({**PAST, "of": "rain"},), outcomes=False)) == {}


def test_a_text_that_only_spells_an_outcome_is_no_leak() -> None:
    columns = {name: name for name in trips.FEATURES} | {"noise": "case when origin = 'delay' then 1 end"}
    assert declared_leaks(trips.plan(columns=columns)) == {}


def test_honest_features_are_not_suspicious(tmp_path: Path) -> None:
    assert suspicious(train_rows(tmp_path, trips.rows())) == {}


@pytest.mark.parametrize("kind", ["the answer with noise", "both ends mean yes", "missing when no"])
def test_a_feature_that_knows_the_answer_is_suspicious_in_any_guise(tmp_path: Path, kind: str) -> None:
    data = trips.rows()
    late, draw = data["label"].to_numpy(), np.random.default_rng(3)
    guises = {
        "the answer with noise": late + 0.1 * draw.normal(size=len(late)),
        "both ends mean yes": np.where(
            late > 0, np.where(draw.random(len(late)) < 0.5, -9, 9), draw.normal(size=len(late))
        ),
        "missing when no": np.where(late > 0, draw.normal(size=len(late)), np.nan),
    }
    place = data.column_names.index("noise")
    found = suspicious(train_rows(tmp_path, data.set_column(place, "noise", pa.array(guises[kind]))))
    assert list(found) == ["noise"]


def test_a_category_of_nearly_as_many_values_as_rows_knows_nothing(tmp_path: Path) -> None:
    data = trips.rows()
    names = pa.array([f"tail {number // 2}" for number in range(len(data))])
    place = data.column_names.index("origin")
    assert suspicious(train_rows(tmp_path, data.set_column(place, "origin", names))) == {}
