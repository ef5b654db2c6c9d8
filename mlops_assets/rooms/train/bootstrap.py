"""How sure a figure is: intervals by resampling whole days, as the rows of a day are correlated."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mlops_assets.errors import TrainingError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mlops_assets.rooms.train.metric import Floats, Ints, Metric

    Times = NDArray[np.datetime64]

MIN_BLOCKS: Final = 7
GROUPS: Final = 200
MAX_UNDEFINED: Final = 0.05


@dataclass(frozen=True)
class Interval:
    """A figure and how far it may be off.

    Attributes:
        figure: over all rows.
        low: lower bound.
        high: upper bound.
        error: standard deviation of the resamples.
        blocks: how many independent blocks were resampled.
    """

    figure: float
    low: float
    high: float
    error: float
    blocks: int


@dataclass(frozen=True)
class Bootstrap:
    """How to resample: the same seed draws the same days, so that two models are paired.

    Attributes:
        resamples: how many.
        confidence: of the interval between percentiles.
        seed: of the draw.
    """

    resamples: int = 500
    confidence: float = 0.95
    seed: int = 0

    def interval(self, metric: "Metric", outcomes: "Floats", scores: "Floats", blocks: "Ints") -> Interval:
        """Of one model's figure."""
        weights, blocks = self._weights(blocks)
        drawn = metric.resampled(outcomes, scores, blocks, weights)
        return self._bounds(metric, metric(outcomes, scores), drawn, weights.shape[1])

    def bounds(
        self, metric: "Metric", outcomes: "Floats", scores: "Floats", blocks: "Ints"
    ) -> tuple[float, float] | None:
        """Of one model's figure; None with too few blocks, or where it is undefined in too many resamples."""
        try:
            found = self.interval(metric, outcomes, scores, blocks)
        except TrainingError:
            return None
        return found.low, found.high

    def difference(
        self, metric: "Metric", outcomes: "Floats", scores: "Floats", other: "Floats", blocks: "Ints"
    ) -> Interval:
        """By how much `scores` are better than `other` on the same rows; positive is better, whatever the metric."""
        weights, blocks = self._weights(blocks)
        sign = 1.0 if metric.greater_is_better else -1.0
        drawn = metric.resampled(outcomes, scores, blocks, weights) - metric.resampled(outcomes, other, blocks, weights)
        figure = metric.gain(metric(outcomes, scores), metric(outcomes, other))
        return self._bounds(metric, figure, sign * drawn, weights.shape[1])

    def _weights(self, blocks: "Ints") -> "tuple[Floats, Ints]":
        import numpy as np

        present, codes = np.unique(blocks, return_inverse=True)
        count = len(present)
        if count < MIN_BLOCKS:
            raise TrainingError.of(
                "too few independent blocks for an interval",
                got=f"{count} days",
                allowed=f"{MIN_BLOCKS} or more",
                step="wait for more labels, or lengthen train.holdout",
            )
        draw = np.random.default_rng(self.seed).multinomial(count, np.full(count, 1 / count), size=self.resamples)
        return draw.astype(np.float64), codes.astype(np.int64)

    def _bounds(self, metric: "Metric", figure: float, drawn: "Floats", blocks: int) -> Interval:
        import numpy as np

        defined = drawn[np.isfinite(drawn)]
        if not np.isfinite(figure) or len(defined) < (1 - MAX_UNDEFINED) * len(drawn):
            raise TrainingError.of(
                f"{metric.name} is undefined on these rows", allowed="rows that differ in their outcome"
            )
        tail = (1 - self.confidence) / 2
        low, high = np.quantile(defined, [tail, 1 - tail])
        return Interval(figure, float(low), float(high), float(defined.std()), blocks)


def day_blocks(times: "Times | None", rows: int) -> "Ints":
    """The block of each row: its UTC day; without event time, one of 200 groups of rows in their order."""
    import numpy as np

    if times is None:
        return np.arange(rows, dtype=np.int64) % GROUPS
    return times.astype("datetime64[D]").astype(np.int64)
