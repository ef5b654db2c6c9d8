"""One suite over every registered metric: right against scikit-learn, and the same by blocks as by rows."""

from collections.abc import Callable
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

from mlops_assets.errors import UnknownName
from mlops_assets.rooms.train.metrics import METRICS, Metric, metric
from mlops_assets.spec.model import Objective

EVERY = pytest.mark.parametrize("known", METRICS.values(), ids=METRICS)
Floats = NDArray[np.float64]
REFERENCE: dict[str, Callable[[Floats, Floats], float]] = {
    "roc_auc": lambda y, s: float(roc_auc_score(y, s)),
    "average_precision": lambda y, s: float(average_precision_score(y, s)),
    "log_loss": lambda y, s: float(log_loss(y, s)),
    "brier": lambda y, s: float(brier_score_loss(y, s)),
    "brier_skill": lambda y, s: float(1 - brier_score_loss(y, s) / (y.mean() * (1 - y.mean()))),
    "calibration_gap": lambda y, s: float(abs(s.mean() - y.mean())),
}


def sample(rows: int = 3_000, *, seed: int = 0, digits: int = 2) -> tuple[Floats, Floats]:
    draw = np.random.default_rng(seed)
    scores = np.round(draw.beta(2, 5, rows), digits)
    return (draw.random(rows) < scores).astype(np.float64), scores


def test_everything_that_a_model_may_declare_as_objective_is_a_metric() -> None:
    assert set(get_args(Objective)) <= set(METRICS)


@pytest.mark.parametrize("name", REFERENCE)
def test_a_metric_agrees_with_scikit_learn_where_scores_are_tied(name: str) -> None:
    outcomes, scores = sample()
    assert METRICS[name](outcomes, scores) == pytest.approx(REFERENCE[name](outcomes, scores), rel=1e-9)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 8)), min_size=2, max_size=40))
def test_roc_auc_and_average_precision_agree_on_any_small_sample(rows: list[tuple[bool, int]]) -> None:
    outcomes = np.array([float(yes) for yes, _ in rows])
    scores = np.array([level / 8 for _, level in rows])
    for name in ("roc_auc", "average_precision"):
        figure = METRICS[name](outcomes, scores)
        if outcomes.min() == outcomes.max() and (name == "roc_auc" or not outcomes.any()):
            assert np.isnan(figure)
        else:
            assert figure == pytest.approx(REFERENCE[name](outcomes, scores))


@pytest.mark.parametrize(
    "known", [known for known in METRICS.values() if known.name != "ece"], ids=lambda known: known.name
)
def test_a_resample_is_the_metric_of_the_rows_drawn(known: Metric) -> None:
    outcomes, scores = sample(600)
    blocks = np.arange(600) % 12
    weights = np.random.default_rng(1).multinomial(12, np.full(12, 1 / 12), size=4).astype(np.float64)
    found = known.resampled(outcomes, scores, blocks, weights)
    for figure, drawn in zip(found, weights, strict=True):
        rows = np.repeat(np.arange(600), drawn[blocks].astype(int))
        assert figure == pytest.approx(known(outcomes[rows], scores[rows]))


@EVERY
def test_the_order_of_rows_does_not_matter(known: Metric) -> None:
    outcomes, scores = sample()
    order = np.random.default_rng(2).permutation(len(outcomes))
    assert known(outcomes[order], scores[order]) == pytest.approx(known(outcomes, scores))


@EVERY
def test_knowing_the_truth_is_better_than_guessing_it(known: Metric) -> None:
    outcomes, scores = sample()
    truth, guess = known(outcomes, np.clip(outcomes, 0.01, 0.99)), known(outcomes, 1 - scores)
    assert known.gain(truth, guess) > 0


@EVERY
def test_a_metric_says_what_it_is(known: Metric) -> None:
    assert known.description.endswith(".")
    assert metric(known.name) is known


def test_scores_that_mean_what_they_say_are_calibrated() -> None:
    outcomes, scores = sample(20_000)
    assert METRICS["ece"](outcomes, scores) < 0.02
    assert METRICS["ece"](outcomes, np.clip(scores + 0.2, 0, 1)) == pytest.approx(0.2, abs=0.02)


def test_an_unknown_metric_is_answered_with_the_near_one() -> None:
    with pytest.raises(UnknownName, match="did you mean 'roc_auc'"):
        metric("roc_acu")
