"""Performance without labels, estimated from the scores alone: shown with the error that it was back-tested with.

An estimate is no evidence: it cannot see that outcomes no longer follow the scores, so nothing is triggered by it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mlops_assets.rooms.train.metrics import METRICS, said_and_happened

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mlops_assets.rooms.monitor.reference import Reference

    Floats = NDArray[np.float64]

NAN = float("nan")
CLEARLY = 0.9
"""Of a constant's error: from there on an estimate is hardly better than it."""
BLOCKS = 6
"""Stretches of the reference on which an estimate is back-tested."""
MIN_WINDOWS = 3
"""Windows with both estimate and truth from which their error counts, not the reference's."""
ESTIMABLE = ("roc_auc", "average_precision", "log_loss", "brier", "accuracy")


@dataclass(frozen=True)
class Estimate:
    """What the scores alone say of a window.

    Attributes:
        metric: that is estimated; empty when none can be.
        figure: the estimate; NaN: none.
        error: mean absolute error where the truth was known later.
        constant_error: of the reference's own figure in its place: an estimate that is no better says nothing.
        tested_on: how many stretches or windows both errors are means over.
        why_not: why there is no estimate; empty when there is one.
    """

    metric: str = ""
    figure: float = NAN
    error: float = NAN
    constant_error: float = NAN
    tested_on: int = 0
    why_not: str = ""

    @property
    def words(self) -> str:
        """The same in a sentence."""
        if self.why_not:
            return f"No estimate: {self.why_not}."
        share = self.error / self.constant_error if self.constant_error else 1.0
        worth = "better" if share < CLEARLY else "hardly better" if share < 1 else "no better"
        return (
            f"From the scores alone the {self.metric} is estimated at {self.figure:.3f}; such estimates were off by "
            f"{self.error:.3f} on average ({self.tested_on} back-tests), {worth} than always expecting the reference's "
            f"figure ({self.constant_error:.3f}). An estimate asks for nothing."
        )

    def row(self) -> dict[str, Any]:
        """As the history keeps it."""
        return {
            "estimate_name": self.metric,
            "estimate": self.figure,
            "estimate_error": self.error,
            "estimate_constant_error": self.constant_error,
            "estimate_tests": self.tested_on,
        }


def estimate(scores: "Floats", reference: "Reference", past: Sequence["dict[str, Any]"] = ()) -> Estimate:
    """Confidence-based estimate (CBPE: NannyML, 2022) over isotonic-calibrated out-of-fold scores.

    Args:
        scores: of the window, as the task reads them.
        reference: of the model that gave them.
        past: rows of the history of earlier windows, with estimate and truth.
    """
    task = reference.task
    if task.name == "regression":
        return Estimate(why_not="a predicted value does not say how sure it is")
    known, labels = task.read(reference.rows), task.outcomes(reference.rows["label"])
    said, happened = said_and_happened(labels, known)
    metric = _metric(reference)
    if not 0 < happened.mean() < 1:
        return Estimate(why_not="the reference's outcomes do not differ")
    window = said_and_happened(np.zeros(len(scores)), scores)[0]
    figure = expected(metric, window, calibrated(said, happened, window))
    tests = _windows(past, metric, _truth(metric, said, happened)) or _backtests(metric, said, happened, reference)
    if not tests:
        return Estimate(metric, figure, why_not="the reference is too short to back-test one on")
    errors = np.array(tests)
    return Estimate(metric, figure, float(errors[:, 0].mean()), float(errors[:, 1].mean()), len(tests))


def calibrated(said: "Floats", happened: "Floats", asked: "Floats") -> "Floats":
    """How often things happen that are said with these scores: isotonic regression (Zadrozny and Elkan, 2002)."""
    from sklearn.isotonic import IsotonicRegression

    rising = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(said, happened)
    return np.asarray(rising.predict(asked), dtype=np.float64)


def expected(metric: str, scores: "Floats", chances: "Floats") -> float:
    """The metric if each row happened with its chance: each counts as a yes and as a no, by that weight."""
    from sklearn.metrics import average_precision_score, roc_auc_score

    if metric == "accuracy":
        return float(chances.mean())
    both, weights = np.concatenate([scores, scores]), np.concatenate([chances, 1 - chances])
    outcomes = np.concatenate([np.ones(len(scores)), np.zeros(len(scores))])
    if not 0 < weights[: len(scores)].sum() < len(scores):
        return NAN
    if metric == "roc_auc":
        return float(roc_auc_score(outcomes, both, sample_weight=weights))
    if metric == "average_precision":
        return float(average_precision_score(outcomes, both, sample_weight=weights))
    if metric == "brier":
        return float(np.average((both - outcomes) ** 2, weights=weights))
    kept = np.clip(both, 1e-15, 1 - 1e-15)
    return float(np.average(-np.where(outcomes > 0, np.log(kept), np.log1p(-kept)), weights=weights))


def _metric(reference: "Reference") -> str:
    """The watched metric where it can be estimated."""
    if reference.task.name == "multiclass":
        return "accuracy"
    return reference.watched.name if reference.watched.name in ESTIMABLE else "roc_auc"


def _truth(metric: str, said: "Floats", happened: "Floats") -> float:
    return float(happened.mean()) if metric == "accuracy" else METRICS[metric](happened, said)


def _windows(past: Sequence["dict[str, Any]"], metric: str, usual: float) -> list[tuple[float, float]]:
    """Errors of estimate and constant on earlier windows; none while there are too few."""
    pairs = [
        (float(row["estimate"]), float(row[metric]))
        for row in past
        if row.get("estimate_name") == metric and row.get("estimate") is not None and row.get(metric) is not None
    ]
    known = [(abs(said - truth), abs(usual - truth)) for said, truth in pairs if np.isfinite([said, truth]).all()]
    return known if len(known) >= MIN_WINDOWS else []


def _backtests(metric: str, said: "Floats", happened: "Floats", reference: "Reference") -> list[tuple[float, float]]:
    """Errors on stretches of the reference, each estimated from all the others."""
    chunks = reference.chunks
    if chunks.count < 2 * BLOCKS:
        return []
    stretch = chunks.codes * BLOCKS // chunks.count
    tests = []
    for number in range(BLOCKS):
        here = stretch == number
        if not 0 < happened[here].mean() < 1:
            continue
        chances = calibrated(said[~here], happened[~here], said[here])
        truth = _truth(metric, said[here], happened[here])
        usual = _truth(metric, said[~here], happened[~here])
        tests.append((abs(expected(metric, said[here], chances) - truth), abs(usual - truth)))
    return tests
