"""The parity gate: every candidate passes it, and what says something else is refused."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from mlops_assets.errors import Damaged
from mlops_assets.rooms.release import onnx
from mlops_assets.rooms.train.candidates import base_rate, hist_gradient_boosting, logistic, rule, voting
from mlops_assets.rooms.train.inputs import Feature, features_of, frame
from mlops_assets_tests.rooms import trips

ROWS = trips.rows(1_500)
FEATURES = features_of(ROWS.schema, trips.FEATURES)
FRAME = frame(ROWS, FEATURES)
LABELS = ROWS["label"].to_numpy()


def voted(features: Sequence[Feature], seed: int) -> Any:
    """Two that share their columns."""
    small = {"estimator": "hist_gradient_boosting", "parameters": {"max_iter": 10}}
    return voting(features, seed, [small, {**small, "parameters": {"max_iter": 12}}])


def forest(features: Sequence[Feature], seed: int) -> Any:
    """As facts have it: converted without a word, and wrong where a number is missing."""
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.pipeline import Pipeline

    numbers = [feature.name for feature in features if feature.kind == "number"]
    columns = ColumnTransformer([("numbers", "passthrough", numbers)])
    model = RandomForestClassifier(20, max_depth=6, random_state=seed)
    return Pipeline([("columns", columns), ("model", model)])


@pytest.mark.parametrize(
    "builder", [base_rate, rule, logistic, hist_gradient_boosting, voted], ids=lambda each: each.__name__
)
def test_every_candidate_says_the_same_in_onnx(builder: Any) -> None:
    pipeline = builder(FEATURES, 0).fit(FRAME, LABELS)
    made = onnx.export(pipeline, FEATURES, FRAME, threshold=0.5)
    assert made.parity.exact, made.parity.reason
    assert made.parity.rows >= onnx.ROWS
    assert made.model is not None
    assert made.encoded is not None
    odd = onnx.trial(FRAME, FEATURES)
    assert odd.isna().any().all()
    said = onnx.scores(onnx.session(made.model), made.encoded.matrix(odd))
    assert np.abs(said - onnx.expected(pipeline, odd)).max() < 1e-4


def test_a_regression_passes_too() -> None:
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import HistGradientBoostingRegressor
    from sklearn.pipeline import Pipeline

    numbers = [feature.name for feature in FEATURES if feature.kind == "number"]
    columns = ColumnTransformer([("numbers", "passthrough", numbers)])
    pipeline = Pipeline([("columns", columns), ("model", HistGradientBoostingRegressor(max_iter=20))])
    pipeline.fit(FRAME, 100 * FRAME["distance"].fillna(0).to_numpy() + LABELS)
    made = onnx.export(pipeline, FEATURES, FRAME, threshold=None)
    assert made.parity.exact, made.parity.reason


def test_a_forest_over_missing_numbers_is_caught() -> None:
    pipeline = forest(FEATURES, 0).fit(FRAME, LABELS)
    made = onnx.export(pipeline, FEATURES, FRAME, threshold=0.5)
    assert not made.parity.exact
    assert made.model is None
    assert "flips" in made.parity.reason or "no conversion" in made.parity.reason


def test_one_flip_at_the_threshold_is_enough_to_refuse() -> None:
    wanted = np.full((6_000, 2), 0.5)
    given = wanted.copy()
    given[0, 1] -= 1e-9
    parity = onnx._compared(wanted, given, 0.5)
    assert (parity.exact, parity.flips, parity.within) == (False, 1, 1.0)


def test_a_pipeline_of_another_make_is_left_to_scikit_learn() -> None:
    from sklearn.linear_model import LogisticRegression

    numbers = FRAME[["rain", "noise"]]
    made = onnx.export(LogisticRegression().fit(numbers, LABELS), FEATURES, FRAME, threshold=0.5)
    assert not made.parity.exact
    assert "not made of columns and a model" in made.parity.reason


def test_a_model_that_reaches_outside_of_itself_is_refused() -> None:
    from onnx import TensorProto, helper

    node = helper.make_node("Evil", ["features"], ["scores"], domain="com.example")
    given = helper.make_tensor_value_info("features", TensorProto.FLOAT, [None, 1])
    answer = helper.make_tensor_value_info("scores", TensorProto.FLOAT, [None, 1])
    graph = helper.make_graph([node], "evil", [given], [answer])
    domains = [helper.make_opsetid("", 18), helper.make_opsetid("com.example", 1)]
    with pytest.raises(Damaged, match="reaches outside"):
        onnx.session(helper.make_model(graph, opset_imports=domains).SerializeToString())
