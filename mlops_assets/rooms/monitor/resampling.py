"""Windows in which nothing has changed, drawn from the reference itself: by how much they stray from it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from mlops_assets.rooms.monitor.chunks import Chunks

if TYPE_CHECKING:
    from mlops_assets.rooms.monitor.encoding import Floats

RESAMPLES: Final = 1000
BLOCKS: Final = 8
"""Blocks are as long as the window where the reference has at least so many of them, and shorter where not."""
FEWEST: Final = 4
"""Blocks of a week where the reference has at least so many, and shorter where not."""


@dataclass(frozen=True)
class Draws:
    """Pseudo-windows, a row each.

    Attributes:
        weights: a window by chunk of the reference; times the chunks' centred sums, this is by how much the window's
            mean strays from the reference's.
        blocks: of the reference, that told how much blocks differ.
        student: a factor a window, already in `weights`: how much wider it may be, as that is known from few blocks.
    """

    weights: "Floats"
    blocks: int
    student: "Floats"

    @property
    def normal(self) -> "Floats":
        """The weights as if the blocks' spread was known exactly."""
        return self.weights / self.student[:, None]


def draw(chunks: Chunks, size: int, *, seed: int, resamples: int = RESAMPLES) -> Draws:
    """Draw what a window of so many chunks differs by from the reference when nothing has changed.

    A window is some whole blocks of time and a stretch of one more. Whole blocks differ as those of the reference do:
    their deviations get random multipliers (block multiplier bootstrap: Bücher and Kojadinovic, 2016), scaled to the
    window's length, and to the reference being a sample itself. The stretch differs from its own block as a stretch of
    some block of the reference does. A Student factor a draw makes it a predictive distribution: with n blocks the
    bound of one mean is mean + t(n-1) s sqrt(1/k + 1/n), which holds at its rate however few blocks there are
    (Ibragimov and Müller, 2010: few large blocks and Student's t bear any likeness within them). No pseudo-window is
    ever compared with a reference that it is a part of.

    Args:
        chunks: of the reference, in the order of time.
        size: of the window, in chunks.
        seed: of the drawing.
        resamples: how many windows.
    """
    random, rows = np.random.default_rng(seed), chunks.sizes().astype(np.float64)
    block = _block(chunks, size)
    count = max(2, chunks.count // block)
    code = np.minimum(np.arange(chunks.count) // block, count - 1)
    rest = size % block
    share = (size // block) * (block / size) ** 2 + (rest / size) ** 2
    spread = np.sqrt((share + 1 / count) / (count - 1)) * count / rows.sum()
    multipliers = random.standard_normal((resamples, count)) * spread
    sizes, window = np.bincount(code), np.arange(resamples)
    picked = random.integers(count, size=resamples)
    start = (np.cumsum(sizes) - sizes)[picked] + random.integers(0, sizes[picked] - rest + 1)
    multipliers[window, picked] -= rest / size / np.bincount(code, rows)[picked]
    weights = multipliers[:, code]
    if rest:
        places = start[:, None] + np.arange(rest)
        weights[window[:, None], places] += rest / size / rows[places].sum(axis=1)[:, None]
    student = np.sqrt((count - 1) / random.chisquare(count - 1, resamples))
    return Draws(weights * student[:, None], count, student)


def _block(chunks: Chunks, size: int) -> int:
    """As long as the window, in whole weeks, as far as the reference has enough of them."""
    if not chunks.in_time:
        return max(1, min(size, chunks.count // BLOCKS))
    week = max(1, min(chunks.week, chunks.count // FEWEST))
    return week * max(1, min(size, chunks.count // BLOCKS) // week)
