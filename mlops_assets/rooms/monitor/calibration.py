"""How far a figure of a window strays when nothing has changed: read off the reference's own days."""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from mlops_assets.rooms.monitor.chunks import Chunks

MIN_CHUNKS = 12
RESAMPLES = 1000

Floats = NDArray[np.float64]
Weights = NDArray[np.float64]


@dataclass(frozen=True)
class Null:
    """The distribution of a window's figure under no change.

    Attributes:
        center: the figure of the whole reference.
        strays: by how much a window's figure missed that of a reference of this length, a resample each.
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


def null(
    figure: Callable[[Weights], Floats], chunks: Chunks, days: int, *, seed: int = 0, resamples: int = RESAMPLES
) -> Null:
    """Resample the reference's days, and give what a window of some days differs by from a reference.

    Each resample draws a window and, apart from it, a reference: the reference is itself a sample, and leaving
    out its own error makes false alarms too frequent. Blocks of a week keep the likeness of neighbouring days
    (circular block bootstrap: Politis and Romano, 1992); as few blocks understate the spread, strays are
    widened by Student's factor for their number.

    Args:
        figure: of the reference, a value a row of weights: how often each of its chunks was drawn.
        chunks: of the reference.
        days: chunks of the window to be judged.
        seed: of the resampling.
        resamples: how many; at least 1,000.
    """
    windows, wholes = weights(chunks, days, seed=seed, resamples=resamples)
    strays = figure(windows) - figure(wholes)
    center = float(figure(np.ones((1, chunks.count)))[0])
    return Null(center, strays[np.isfinite(strays)] * widening(chunks.count / chunks.block))


def weights(chunks: Chunks, days: int, *, seed: int = 0, resamples: int = RESAMPLES) -> tuple[Weights, Weights]:
    """How often each chunk is drawn, a row a resample: for a window of some days, and for a whole reference."""
    random = np.random.default_rng(seed)
    return _drawn(random, chunks, days, resamples), _drawn(random, chunks, chunks.count, resamples)


def widening(blocks: float) -> float:
    """Student's 95 % quantile at so many blocks over the normal one, and Bessel's correction.

    The quantile is the Cornish-Fisher expansion, good to 2 % from 4 degrees of freedom on.

    >>> round(widening(13), 2), round(widening(52), 2)
    (1.13, 1.03)
    """
    z, free = NormalDist().inv_cdf(0.95), max(blocks - 1, 2)
    student = z + (z**3 + z) / (4 * free) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * free**2)
    return student / z * float(np.sqrt(blocks / (blocks - 1)))


def _drawn(random: np.random.Generator, chunks: Chunks, days: int, resamples: int) -> Weights:
    starts = random.integers(0, chunks.count, (resamples, -(-days // chunks.block)))
    picked = (starts[:, :, None] + np.arange(chunks.block)).reshape(resamples, -1)[:, :days] % chunks.count
    row = np.arange(resamples)[:, None] * chunks.count
    drawn = np.bincount((picked + row).ravel(), minlength=resamples * chunks.count)
    return drawn.reshape(resamples, chunks.count).astype(np.float64)
