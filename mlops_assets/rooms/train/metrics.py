"""The metrics of a binary score, each computed from sums over blocks of rows, so that resampling blocks is cheap."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mlops_assets.errors import UnknownName

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

CLIP: Final = 1e-15
BINS: Final = 10
CHUNK_BYTES: Final = 32_000_000

Resampled = Callable[["Floats", "Floats", "Ints", "Floats"], "Floats"]


@dataclass(frozen=True)
class Metric:
    """A figure of merit of scores in [0, 1] against outcomes of 0 and 1.

    Attributes:
        name: by which a model declares it.
        greater_is_better: its direction.
        description: what it measures, with its source.
        resampled: (outcomes, scores, block of each row, weights: resamples x blocks) to a figure a resample;
            NaN where the figure is undefined, as with one class only.
    """

    name: str
    greater_is_better: bool
    description: str
    resampled: Resampled

    def __call__(self, outcomes: "Floats", scores: "Floats") -> float:
        """The figure over all rows, each with weight one."""
        import numpy as np

        one_block = np.zeros(len(outcomes), dtype=np.int64)
        return float(self.resampled(outcomes, scores, one_block, np.ones((1, 1)))[0])

    def gain(self, figure: float, other: float) -> float:
        """By how much the first figure is better than the second; negative when it is worse."""
        return figure - other if self.greater_is_better else other - figure


def _sums(values: "Floats", blocks: "Ints", count: int) -> "Floats":
    import numpy as np

    return np.asarray(np.bincount(blocks, weights=values, minlength=count), dtype=np.float64)


def _ratio(above: "Floats", below: "Floats") -> "Floats":
    import numpy as np

    return np.divide(above, below, out=np.full_like(above, np.nan), where=below > 0)


def _mean(values: "Floats", blocks: "Ints", weights: "Floats") -> "Floats":
    import numpy as np

    count = weights.shape[1]
    return _ratio(weights @ _sums(values, blocks, count), weights @ _sums(np.ones_like(values), blocks, count))


def roc_auc(outcomes: "Floats", scores: "Floats", blocks: "Ints", weights: "Floats") -> "Floats":
    """Share of (late, on time) pairs ranked rightly, from the won pairs between each two blocks."""
    import numpy as np

    count = weights.shape[1]
    order = np.argsort(scores, kind="stable")
    scores, blocks, positive = scores[order], blocks[order], outcomes[order] > 0
    asked, asked_block = scores[positive], blocks[positive]
    rivals, rival_block = scores[~positive], blocks[~positive]
    won = np.zeros((count, count))
    for block in np.unique(rival_block):
        own = rivals[rival_block == block]
        below = np.searchsorted(own, asked, "left") + np.searchsorted(own, asked, "right")
        won[:, block] = np.bincount(asked_block, weights=below / 2, minlength=count)
    positives = weights @ np.bincount(asked_block, minlength=count).astype(np.float64)
    negatives = weights @ np.bincount(rival_block, minlength=count).astype(np.float64)
    return _ratio(((weights @ won) * weights).sum(axis=1), positives * negatives)


def average_precision(outcomes: "Floats", scores: "Floats", blocks: "Ints", weights: "Floats") -> "Floats":
    """Precision at each threshold, weighted by the recall that it adds; equal scores share a threshold."""
    import numpy as np

    order = np.argsort(-scores, kind="stable")
    scores, blocks, positive = scores[order], blocks[order], outcomes[order] > 0
    last = np.flatnonzero(np.append(np.diff(scores) != 0, True))
    figures = np.empty(len(weights))
    step = max(1, CHUNK_BYTES // (8 * max(1, len(scores))))
    for start in range(0, len(weights), step):
        drawn = weights[start : start + step][:, blocks]
        seen = np.cumsum(drawn, axis=1)[:, last]
        hits = np.cumsum(drawn * positive, axis=1)[:, last]
        precision = np.divide(hits, seen, out=np.zeros_like(hits), where=seen > 0)
        gained = np.sum(precision * np.diff(hits, axis=1, prepend=0), axis=1)
        figures[start : start + step] = _ratio(gained, hits[:, -1])
    return figures


def log_loss(outcomes: "Floats", scores: "Floats", blocks: "Ints", weights: "Floats") -> "Floats":
    """Mean negative log-likelihood; scores are kept off 0 and 1 by 1e-15."""
    import numpy as np

    kept = np.clip(scores, CLIP, 1 - CLIP)
    return _mean(-np.where(outcomes > 0, np.log(kept), np.log1p(-kept)), blocks, weights)


def brier(outcomes: "Floats", scores: "Floats", blocks: "Ints", weights: "Floats") -> "Floats":
    """Mean squared distance of score and outcome."""
    return _mean((scores - outcomes) ** 2, blocks, weights)


def brier_skill(outcomes: "Floats", scores: "Floats", blocks: "Ints", weights: "Floats") -> "Floats":
    """One less the Brier score over that of the rows' own base rate."""
    rate = _mean(outcomes, blocks, weights)
    return 1 - _ratio(brier(outcomes, scores, blocks, weights), rate * (1 - rate))


def calibration_gap(outcomes: "Floats", scores: "Floats", blocks: "Ints", weights: "Floats") -> "Floats":
    """Distance of the mean score from the base rate."""
    import numpy as np

    return np.abs(_mean(scores - outcomes, blocks, weights))


def ece(outcomes: "Floats", scores: "Floats", blocks: "Ints", weights: "Floats") -> "Floats":
    """Mean distance of score and outcome over ten bins of about equal size; the bins stay as they are."""
    import numpy as np

    count = weights.shape[1]
    edges = np.quantile(scores, np.linspace(0, 1, BINS + 1)[1:-1])
    bins = np.searchsorted(edges, scores, side="right")
    distances = np.bincount(blocks * BINS + bins, weights=scores - outcomes, minlength=count * BINS)
    rows = weights @ np.bincount(blocks, minlength=count).astype(np.float64)
    return _ratio(np.abs(weights @ distances.reshape(count, BINS)).sum(axis=1), rows)


_KNOWN: Final = (
    Metric("roc_auc", True, "Area under the ROC curve (Hanley and McNeil, 1982, Radiology 143).", roc_auc),
    Metric("average_precision", True, "Area under the precision-recall curve, by steps.", average_precision),
    Metric("log_loss", False, "Logarithmic score (Good, 1952, J. R. Stat. Soc. B 14).", log_loss),
    Metric("brier", False, "Brier score (Brier, 1950, Mon. Weather Rev. 78).", brier),
    Metric("brier_skill", True, "Brier skill against the rows' own base rate (Murphy, 1973).", brier_skill),
    Metric("calibration_gap", False, "Calibration in the large: |mean score - base rate|.", calibration_gap),
    Metric("ece", False, "Expected calibration error (Naeini et al., 2015, AAAI), equal bins.", ece),
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
