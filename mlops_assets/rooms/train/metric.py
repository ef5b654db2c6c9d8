"""A metric, computed from sums over blocks of rows, so that resampling blocks is cheap."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlops_assets.spec.model import TaskName

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

Resampled = Callable[["Floats", "Floats", "Ints", "Floats"], "Floats"]


@dataclass(frozen=True)
class Metric:
    """A figure of merit of scores against outcomes, as the task counts both.

    Attributes:
        name: by which a model declares it.
        greater_is_better: its direction.
        description: what it measures, with its source.
        resampled: (outcomes, scores, block of each row, weights: resamples x blocks) to a figure a resample;
            NaN where the figure is undefined, as with one class only.
        tasks: that it can be asked of.
    """

    name: str
    greater_is_better: bool
    description: str
    resampled: Resampled
    tasks: tuple[TaskName, ...] = ("binary",)

    def __call__(self, outcomes: "Floats", scores: "Floats") -> float:
        """The figure over all rows, each with weight one."""
        import numpy as np

        one_block = np.zeros(len(outcomes), dtype=np.int64)
        return float(self.resampled(outcomes, scores, one_block, np.ones((1, 1)))[0])

    def gain(self, figure: float, other: float) -> float:
        """By how much the first figure is better than the second; negative when it is worse."""
        return figure - other if self.greater_is_better else other - figure


def sums(values: "Floats", blocks: "Ints", count: int) -> "Floats":
    """Of a value a row, in each block."""
    import numpy as np

    return np.asarray(np.bincount(blocks, weights=values, minlength=count), dtype=np.float64)


def ratio(above: "Floats", below: "Floats") -> "Floats":
    """One over the other; NaN where that is nothing."""
    import numpy as np

    return np.divide(above, below, out=np.full_like(above, np.nan), where=below > 0)


def mean(values: "Floats", blocks: "Ints", weights: "Floats") -> "Floats":
    """Of a value a row, a resample each."""
    import numpy as np

    count = weights.shape[1]
    return ratio(weights @ sums(values, blocks, count), weights @ sums(np.ones_like(values), blocks, count))
