"""What a stretch of rows adds up to: counts of codes, products of columns, steps from row to row."""

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from mlops_assets.rooms.monitor.encoding import Encoding
from mlops_assets.rooms.monitor.rows import Rows, pieces

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

    @classmethod
    def none(cls, encoding: Encoding, count: int) -> "Sums":
        """Of no rows in so many chunks."""
        width = len(encoding.columns)
        sizes = (encoding.size, width + width * (width + 1) // 2, width)
        return cls(np.zeros(count), *(np.zeros((count, size)) for size in sizes))

    def add(self, first: int, more: "Sums") -> None:
        """Add further rows of neighbouring chunks, from the first on."""
        for name in ("rows", "counts", "moments", "steps"):
            other = getattr(more, name)
            getattr(self, name)[first : first + len(other)] += other

    @property
    def parts(self) -> tuple[slice, slice, slice]:
        """Where counts, moments and steps are in the table."""
        first, second = self.counts.shape[1], self.counts.shape[1] + self.moments.shape[1]
        return slice(0, first), slice(first, second), slice(second, second + self.steps.shape[1])


def sums_of(encoding: Encoding, rows: Rows, chunk: "NDArray[np.int64] | None" = None) -> Sums:
    """Encode rows and sum them, in the order of time, some at a time: memory does not grow with their number.

    Args:
        encoding: of their columns.
        rows: oldest first.
        chunk: of each row, ascending; None: all are of one.
    """
    total, last = Sums.none(encoding, 1 if chunk is None else int(chunk[-1]) + 1), None
    seen = 0
    for piece in pieces(rows):
        codes = encoding.codes(piece)
        here = np.zeros(len(codes), np.int64) if chunk is None else chunk[seen : seen + len(codes)]
        seen, first = seen + len(codes), int(here[0])
        total.add(first, add_up(encoding, codes, here - first, int(here[-1]) - first + 1, last=last))
        last = codes[-1:]
    return total


def add_up(
    encoding: Encoding, codes: "Codes", chunk: "NDArray[np.int64]", count: int, *, last: "Codes | None" = None
) -> Sums:
    """Sum encoded rows, in the order of time, a chunk at a time.

    Args:
        encoding: that gave the codes.
        codes: a row each.
        chunk: of each row, ascending.
        count: of chunks.
        last: the codes of the row before the first, from which a step leads to it; None: there is none.
    """
    size, values = encoding.size, encoding.values(codes).astype(np.float32)
    places = chunk[:, None] * size + codes
    counts = np.bincount(places.ravel(), minlength=count * size).reshape(count, size).astype(np.float64)
    step = np.zeros_like(values)
    step[1:] = np.diff(values, axis=0) ** 2 / 2
    if last is not None:
        step[0] = (values[0] - encoding.values(last[0]).astype(np.float32)) ** 2 / 2
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
