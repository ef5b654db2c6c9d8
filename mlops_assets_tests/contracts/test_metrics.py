"""One suite over every registered metric: right against scikit-learn, and the same by blocks as by rows."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn import metrics as sk

from mlops_assets.errors import UnknownName
from mlops_assets.rooms.label.tasks import TASKS
from mlops_assets.rooms.train.metric import Metric
from mlops_assets.rooms.train.metrics import METRICS, metric
from mlops_assets.spec.model import GUARDS, OBJECTIVES, TaskName

TOGETHER: list[tuple[TaskName, Metric]] = [(task, known) for known in METRICS.values() for task in known.tasks]
NAMES = [f"{known.name}-{task}" for task, known in TOGETHER]
EVERY = pytest.mark.parametrize(("task", "known"), TOGETHER, ids=NAMES)
BINNED = ("ece", "scaled_ece")
Floats = NDArray[np.float64]


def _brier(outcomes: Floats, scores: Floats) -> float:
    return float(np.mean(np.sum((np.eye(scores.shape[1])[outcomes.astype(int)] - scores) ** 2, axis=1)))


def _shares(outcomes: Floats) -> Floats:
    return np.bincount(outcomes.astype(int)) / len(outcomes)


REFERENCE: dict[tuple[str, TaskName], Callable[[Floats, Floats], Any]] = {
    ("roc_auc", "binary"): sk.roc_auc_score,
    ("average_precision", "binary"): sk.average_precision_score,
    ("log_loss", "binary"): sk.log_loss,
    ("brier", "binary"): sk.brier_score_loss,
    ("brier_skill", "binary"): lambda y, s: 1 - sk.brier_score_loss(y, s) / (y.mean() * (1 - y.mean())),
    ("calibration_gap", "binary"): lambda y, s: abs(s.mean() - y.mean()),
    ("accuracy", "multiclass"): lambda y, s: sk.accuracy_score(y, s.argmax(axis=1)),
    ("macro_f1", "multiclass"): lambda y, s: sk.f1_score(y, s.argmax(axis=1), average="macro"),
    ("roc_auc_ovr", "multiclass"): lambda y, s: sk.roc_auc_score(y, s, multi_class="ovr"),
    ("log_loss", "multiclass"): sk.log_loss,
    ("brier", "multiclass"): _brier,
    ("brier_skill", "multiclass"): lambda y, s: 1 - _brier(y, s) / _brier(y, np.tile(_shares(y), (len(y), 1))),
    ("calibration_gap", "multiclass"): lambda y, s: abs(s.max(axis=1).mean() - (s.argmax(axis=1) == y).mean()),
    ("rmse", "regression"): sk.root_mean_squared_error,
    ("mse", "regression"): sk.mean_squared_error,
    ("mae", "regression"): sk.mean_absolute_error,
    ("r2", "regression"): sk.r2_score,
    ("calibration_gap", "regression"): lambda y, s: abs(s.mean() - y.mean()),
}


def sample(task: TaskName = "binary", rows: int = 3_000, *, seed: int = 0) -> tuple[Floats, Floats]:
    """Outcomes, and scores that mean what they say; many of them are tied."""
    draw = np.random.default_rng(seed)
    if task == "multiclass":
        scores = np.round(draw.dirichlet([1.0, 2.0, 3.0], rows), 2)
        scores /= scores.sum(axis=1, keepdims=True)
        drawn = (draw.random((rows, 1)) > scores.cumsum(axis=1)).sum(axis=1)
        return np.minimum(drawn, 2).astype(np.float64), scores
    scores = np.round(draw.beta(2, 5, rows), 2)
    if task == "regression":
        return scores * 100 + draw.normal(0, 10, rows), scores * 100
    return (draw.random(rows) < scores).astype(np.float64), scores


def knowing(task: TaskName, outcomes: Floats) -> tuple[Floats, Floats]:
    """Scores of one who nearly knows, and of one who does not at all."""
    if task == "multiclass":
        truth = np.eye(3)[outcomes.astype(int)] * 0.97 + 0.01
        return truth, np.roll(truth, 1, axis=1)
    if task == "regression":
        return outcomes + 0.01, outcomes.mean() * 2 - outcomes + 30
    return np.clip(outcomes, 0.01, 0.99), np.clip(1 - outcomes, 0.02, 0.99)


def test_everything_that_a_model_may_declare_is_a_metric_of_its_task() -> None:
    for task, names in OBJECTIVES.items():
        own = TASKS[task]
        needed = {*names, *GUARDS[task], own.loss, own.skill, own.calibration, own.watched}
        assert needed <= {known.name for known in METRICS.values() if task in known.tasks}


def test_every_metric_but_the_binned_has_its_reference() -> None:
    assert {(known.name, task) for task, known in TOGETHER if known.name not in BINNED} == set(REFERENCE)


@pytest.mark.parametrize(("name", "task"), REFERENCE)
def test_a_metric_agrees_with_scikit_learn_where_scores_are_tied(name: str, task: TaskName) -> None:
    outcomes, scores = sample(task)
    assert METRICS[name](outcomes, scores) == pytest.approx(float(REFERENCE[name, task](outcomes, scores)), rel=1e-9)


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
            assert figure == pytest.approx(float(REFERENCE[name, "binary"](outcomes, scores)))


@EVERY
def test_a_resample_is_the_metric_of_the_rows_drawn(task: TaskName, known: Metric) -> None:
    if known.name in BINNED:
        pytest.skip("its bins stay those of all rows")
    outcomes, scores = sample(task, 600)
    blocks = np.arange(600) % 12
    weights = np.random.default_rng(1).multinomial(12, np.full(12, 1 / 12), size=4).astype(np.float64)
    found = known.resampled(outcomes, scores, blocks, weights)
    for figure, drawn in zip(found, weights, strict=True):
        rows = np.repeat(np.arange(600), drawn[blocks].astype(int))
        assert figure == pytest.approx(known(outcomes[rows], scores[rows]))


@EVERY
def test_the_order_of_rows_does_not_matter(task: TaskName, known: Metric) -> None:
    outcomes, scores = sample(task)
    order = np.random.default_rng(2).permutation(len(outcomes))
    assert known(outcomes[order], scores[order]) == pytest.approx(known(outcomes, scores))


@EVERY
def test_knowing_the_truth_is_better_than_not(task: TaskName, known: Metric) -> None:
    outcomes, _ = sample(task)
    truth, guess = knowing(task, outcomes)
    assert known.gain(known(outcomes, truth), known(outcomes, guess)) > 0


@pytest.mark.parametrize("known", METRICS.values(), ids=METRICS)
def test_a_metric_says_what_it_is(known: Metric) -> None:
    assert known.description.endswith(".")
    assert metric(known.name) is known


def test_a_class_that_the_model_never_saw_counts_as_wrong() -> None:
    outcomes, _ = sample("multiclass", 50)
    worse = np.where(np.arange(50) == 0, -1.0, outcomes)
    for name in ("accuracy", "brier", "log_loss"):
        known = METRICS[name]
        sure = np.eye(3)[outcomes.astype(int)]
        assert known.gain(known(outcomes, sure), known(worse, sure)) > 0


def test_scores_that_mean_what_they_say_are_calibrated() -> None:
    outcomes, scores = sample(rows=20_000)
    assert METRICS["ece"](outcomes, scores) < 0.02
    assert METRICS["ece"](outcomes, np.clip(scores + 0.2, 0, 1)) == pytest.approx(0.2, abs=0.02)


def test_an_unknown_metric_is_answered_with_the_near_one() -> None:
    with pytest.raises(UnknownName, match="did you mean 'roc_auc'"):
        metric("roc_acu")
