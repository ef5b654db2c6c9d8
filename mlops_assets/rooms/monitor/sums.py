"""What a stretch of rows adds up to: counts of codes, products of columns, steps from row to row."""

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from mlops_assets.rooms.monitor.encoding import Encoding

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mlops_assets.rooms.monitor.encoding import Codes, Floats


@dataclass(frozen=True)
class Sums:
    """Sums a chunk; those of chunks together are those of their rows together, so that no row is read again.

    Attributes:
        rows: of each chunk.
        counts: a chunk by code.
        moments: a chunk by column, and by pair of columns: sums of standardized values and of their products.
        steps: a chunk by column: half the squared step from each row to the next (von Neumann, 1941): rows of one
            time are alike, and rows that were joined wrongly are not.
    """

    rows: "Floats"
    counts: "Floats"
    moments: "Floats"
    steps: "Floats"

    def table(self) -> "Floats":
        """All sums side by side."""
        return np.hstack([self.counts, self.moments, self.steps])

    @property
    def parts(self) -> tuple[slice, slice, slice]:
        """Where counts, moments and steps are in the table."""
        first, second = self.counts.shape[1], self.counts.shape[1] + self.moments.shape[1]
        return slice(0, first), slice(first, second), slice(second, second + self.steps.shape[1])


def add_up(encoding: Encoding, codes: "Codes", chunk: "NDArray[np.int64]", count: int) -> Sums:
    """Sum encoded rows, in the order of time, a chunk at a time.

    Args:
        encoding: that gave the codes.
        codes: a row each.
        chunk: of each row, ascending.
        count: of chunks.
    """
    size, values = encoding.size, encoding.values(codes).astype(np.float32)
    places = chunk[:, None] * size + codes
    counts = np.bincount(places.ravel(), minlength=count * size).reshape(count, size).astype(np.float64)
    step = np.zeros_like(values)
    step[1:] = np.diff(values, axis=0) ** 2 / 2
    bounds = np.searchsorted(chunk, np.arange(count + 1))
    starts = np.minimum(bounds[:-1], max(len(codes) - 1, 0))
    pairs = np.triu_indices(values.shape[1])
    products = [(part.T @ part)[pairs] for part in (values[a:b] for a, b in pairwise(bounds))]
    return Sums(
        np.diff(bounds).astype(np.float64),
        counts,
        np.hstack([np.add.reduceat(values, starts, axis=0), np.array(products)]).astype(np.float64),
        np.add.reduceat(step, starts, axis=0).astype(np.float64),
    )
