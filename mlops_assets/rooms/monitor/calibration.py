"""What a figure of merit is in a window in which nothing has changed, read off the reference's own days."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlops_assets.rooms.monitor.chunks import Chunks
from mlops_assets.rooms.monitor.resampling import draw

MIN_CHUNKS = 12

Floats = NDArray[np.float64]
Weights = NDArray[np.float64]
Figure = Callable[[Weights], Floats]
"""Of a reference, a value a row of weights: how often each of its chunks counts."""


@dataclass(frozen=True)
class Null:
    """The distribution of a window's figure under no change.

    Attributes:
        center: the figure of the whole reference.
        strays: by how much a window's figure missed that of a reference of this length, a pseudo-window each.
    """

    center: float
    strays: Floats

    def above(self, rate: float) -> float:
        """The figure that a window exceeds with this probability."""
        return self.center + float(np.quantile(self.strays, 1 - rate))

    def below(self, rate: float) -> float:
        """The figure that a window falls short of with this probability."""
        return self.center + float(np.quantile(self.strays, rate))

    def apart(self, rate: float) -> float:
        """The distance from zero that a window exceeds with this probability."""
        return float(np.quantile(np.abs(self.center + self.strays), 1 - rate))


def null(figure: Figure, chunks: Chunks, days: int, *, seed: int = 0) -> Null:
    """The same predictive bound for any figure that drift has for a mean: Student's, over blocks of time.

    A figure strays by what its chunks do to it, to the first order: leaving one out tells what it does (the jackknife's
    pseudo-values: Tukey, 1958). Of a mean these are exactly its chunks' centred sums.

    Args:
        figure: of the reference.
        chunks: of the reference; only rows that the figure looks at.
        days: chunks of the window to be judged.
        seed: of the drawing.
    """
    rows, count = chunks.sizes().astype(np.float64), chunks.count
    center = float(figure(np.ones((1, count)))[0])
    without = figure(1 - np.eye(count))
    known = np.where(np.isfinite(without), without, center)
    return Null(center, draw(chunks, days, seed=seed).weights @ ((center - known) * (rows.sum() - rows)))
