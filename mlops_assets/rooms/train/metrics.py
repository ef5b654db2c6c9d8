"""Every metric by name, each computed from sums over blocks of rows, so that resampling blocks is cheap."""

from typing import TYPE_CHECKING, Final

from mlops_assets.errors import UnknownName
from mlops_assets.rooms.train.metric import Metric, mean, ratio
from mlops_assets.rooms.train.ranking import average_precision, roc_auc, roc_auc_ovr
from mlops_assets.spec.model import TaskName

if TYPE_CHECKING:
    from mlops_assets.rooms.train.metric import Floats, Ints

CLIP: Final = 1e-15
BINS: Final = 10


def log_loss(outcomes: "Floats", scores: "Floats", blocks: "Ints", weights: "Floats") -> "Floats":
    """Mean negative log-likelihood; probabilities are kept off 0 and 1 by 1e-15."""
    import numpy as np

    if scores.ndim > 1:
        return mean(-np.log(np.clip(_of_truth(outcomes, scores), CLIP, 1)), blocks, weights)
    kept = np.clip(scores, CLIP, 1 - CLIP)
    return mean(-np.where(outcomes > 0, np.log(kept), np.log1p(-kept)), blocks, weights)


def brier(outcomes: "Floats", scores: "Floats", blocks: "Ints", weights: "Floats") -> "Floats":
    """Mean squared distance of score and outcome, over all classes."""
    if scores.ndim > 1:
        apart = (scores**2).sum(axis=1) - 2 * _of_truth(outcomes, scores) + 1
        return mean(apart, blocks, weights)
    return mean((scores - outcomes) ** 2, blocks, weights)


def brier_skill(outcomes: "Floats", scores: "Floats", blocks: "Ints", weights: "Floats") -> "Floats":
    """One less the Brier score over that of the rows' own base rates."""
    import numpy as np

    if scores.ndim > 1:
        classes = np.unique(outcomes)
        rates = [mean((outcomes == k).astype(np.float64), blocks, weights) for k in classes]
        guess = np.asarray(1 - np.sum(np.square(rates), axis=0))
    else:
        rate = mean(outcomes, blocks, weights)
        guess = rate * (1 - rate)
    return 1 - ratio(brier(outcomes, scores, blocks, weights), guess)


def calibration_gap(outcomes: "Floats", scores: "Floats", blocks: "Ints", weights: "Floats") -> "Floats":
    """Distance of what is said on average from what happens."""
    import numpy as np

    said, happened = said_and_happened(outcomes, scores)
    return np.abs(mean(said - happened, blocks, weights))


def ece(outcomes: "Floats", scores: "Floats", blocks: "Ints", weights: "Floats") -> "Floats":
    """Mean distance of said and happened over ten bins of about equal size; the bins stay as they are."""
    import numpy as np

    said, happened = said_and_happened(outcomes, scores)
    count = weights.shape[1]
    edges = np.quantile(said, np.linspace(0, 1, BINS + 1)[1:-1])
    bins = np.searchsorted(edges, said, side="right")
    distances = np.bincount(blocks * BINS + bins, weights=said - happened, minlength=count * BINS)
    rows = weights @ np.bincount(blocks, minlength=count).astype(np.float64)
    return ratio(np.abs(weights @ distances.reshape(count, BINS)).sum(axis=1), rows)


def scaled_ece(outcomes: "Floats", scores: "Floats", blocks: "Ints", weights: "Floats") -> "Floats":
    """The same distance, in standard deviations of the outcomes."""
    import numpy as np

    return ratio(ece(outcomes, scores, blocks, weights), np.sqrt(_variance(outcomes, blocks, weights)))


def accuracy(outcomes: "Floats", scores: "Floats", blocks: "Ints", weights: "Floats") -> "Floats":
    """Share of rows whose likeliest class is theirs."""
    return mean(said_and_happened(outcomes, scores)[1], blocks, weights)


def macro_f1(outcomes: "Floats", scores: "Floats", blocks: "Ints", weights: "Floats") -> "Floats":
    """The mean, over the classes that occur, of the harmonic mean of precision and recall."""
    import numpy as np

    answered = scores.argmax(axis=1)

    def f1(place: int) -> "Floats":
        truth, said = (outcomes == place).astype(np.float64), (answered == place).astype(np.float64)
        return ratio(2 * mean(truth * said, blocks, weights), mean(truth + said, blocks, weights))

    occurring = sorted({int(place) for place in np.unique(outcomes)} | {int(place) for place in np.unique(answered)})
    return np.asarray(np.mean([np.nan_to_num(f1(place)) for place in occurring], axis=0), dtype=np.float64)


def mse(outcomes: "Floats", scores: "Floats", blocks: "Ints", weights: "Floats") -> "Floats":
    """Mean squared error."""
    return mean((scores - outcomes) ** 2, blocks, weights)


def rmse(outcomes: "Floats", scores: "Floats", blocks: "Ints", weights: "Floats") -> "Floats":
    """Root of the mean squared error, in the outcome's unit."""
    import numpy as np

    return np.sqrt(mse(outcomes, scores, blocks, weights))


def mae(outcomes: "Floats", scores: "Floats", blocks: "Ints", weights: "Floats") -> "Floats":
    """Mean absolute error, in the outcome's unit."""
    import numpy as np

    return mean(np.abs(scores - outcomes), blocks, weights)


def r2(outcomes: "Floats", scores: "Floats", blocks: "Ints", weights: "Floats") -> "Floats":
    """One less the squared error over that of the rows' own mean."""
    return 1 - ratio(mse(outcomes, scores, blocks, weights), _variance(outcomes, blocks, weights))


def said_and_happened(outcomes: "Floats", scores: "Floats") -> "tuple[Floats, Floats]":
    """What a row's score claims, and what came of it: of several classes, how sure the answer was, and if it was right.

    >>> import numpy as np
    >>> said_and_happened(np.array([1.0, 0.0]), np.array([[0.2, 0.8], [0.3, 0.7]]))
    (array([0.8, 0.7]), array([1., 0.]))
    """
    import numpy as np

    if scores.ndim == 1:
        return scores, outcomes
    return scores.max(axis=1), (scores.argmax(axis=1) == outcomes).astype(np.float64)


def _of_truth(outcomes: "Floats", scores: "Floats") -> "Floats":
    """The probability of the class that it was; 0 for a class that is not known."""
    import numpy as np

    places = outcomes.astype(np.int64)
    return np.where(places >= 0, scores[np.arange(len(scores)), places], 0.0)


def _variance(outcomes: "Floats", blocks: "Ints", weights: "Floats") -> "Floats":
    centred = outcomes - outcomes.mean() if len(outcomes) else outcomes
    return mean(centred**2, blocks, weights) - mean(centred, blocks, weights) ** 2


_CLASSES: Final[tuple[TaskName, ...]] = ("binary", "multiclass")
_SEVERAL: Final[tuple[TaskName, ...]] = ("multiclass",)
_VALUES: Final[tuple[TaskName, ...]] = ("regression",)
_ALL: Final[tuple[TaskName, ...]] = ("binary", "multiclass", "regression")
_KNOWN: Final = (
    Metric("roc_auc", True, "Area under the ROC curve (Hanley and McNeil, 1982, Radiology 143).", roc_auc),
    Metric("average_precision", True, "Area under the precision-recall curve, by steps.", average_precision),
    Metric("accuracy", True, "Share of rows whose likeliest class is theirs.", accuracy, _SEVERAL),
    Metric("macro_f1", True, "F1 (van Rijsbergen, 1979), averaged over the classes.", macro_f1, _SEVERAL),
    Metric("roc_auc_ovr", True, "ROC AUC of each class against the others, averaged.", roc_auc_ovr, _SEVERAL),
    Metric("log_loss", False, "Logarithmic score (Good, 1952, J. R. Stat. Soc. B 14).", log_loss, _CLASSES),
    Metric("brier", False, "Brier score (Brier, 1950, Mon. Weather Rev. 78).", brier, _CLASSES),
    Metric("brier_skill", True, "Brier skill against the rows' own base rates (Murphy, 1973).", brier_skill, _CLASSES),
    Metric("rmse", False, "Root mean squared error, in the outcome's unit.", rmse, _VALUES),
    Metric("mae", False, "Mean absolute error, in the outcome's unit.", mae, _VALUES),
    Metric("r2", True, "Share of the variance explained: skill against the rows' own mean.", r2, _VALUES),
    Metric("mse", False, "Mean squared error, in the square of the outcome's unit.", mse, _VALUES),
    Metric("calibration_gap", False, "Calibration in the large: |mean said - mean happened|.", calibration_gap, _ALL),
    Metric("ece", False, "Expected calibration error (Naeini et al., 2015, AAAI), equal bins.", ece, _CLASSES),
    Metric("scaled_ece", False, "The same error in standard deviations of the outcome.", scaled_ece, _VALUES),
)
METRICS: Final[dict[str, Metric]] = {metric.name: metric for metric in _KNOWN}


def metric(name: str) -> Metric:
    """The metric of that name.

    Raises:
        UnknownName: there is none.
    """
    if name not in METRICS:
        raise UnknownName.among("metric", name, METRICS)
    return METRICS[name]
