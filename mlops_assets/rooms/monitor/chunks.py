"""Rows cut into days, because the rows of one day are alike and only days tell how much days differ."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

MIN_ROWS = 30
RANDOM_ROWS = 200
WEEK = 7

Codes = NDArray[np.int64]


@dataclass(frozen=True)
class Chunks:
    """Which chunk each row belongs to.

    Attributes:
        codes: a row's chunk, counted from 0 in the order of time.
        count: the number of chunks; 0 when there are too few rows for one.
        in_time: whether chunks are days or parts of days; without an event time they are random.
        week: how many chunks a week holds.
    """

    codes: Codes
    count: int
    in_time: bool
    week: int = WEEK

    @property
    def rows(self) -> int:
        """In all."""
        return len(self.codes)

    @property
    def reach(self) -> int:
        """How many chunks to either side a chunk is kept apart from when it is judged: its own week."""
        return WEEK // 2 if self.in_time else 0

    def sizes(self) -> Codes:
        """Rows of each chunk."""
        return np.bincount(self.codes, minlength=self.count).astype(np.int64)


def cut(event_time: NDArray[np.datetime64] | None, rows: int, *, seed: int = 0) -> Chunks:
    """Cut rows into UTC days; a day of under 30 rows is pooled with the next.

    Args:
        event_time: of each row; None: there is none, and chunks of 200 rows are drawn at random.
        rows: how many there are.
        seed: of the random chunks.

    >>> cut(np.array(["2013-01-01"] * 30 + ["2013-01-02"] * 5 + ["2013-01-03"] * 40, "datetime64[s]"), 75).sizes()
    array([30, 45])
    """
    if rows < MIN_ROWS:
        return Chunks(np.zeros(rows, np.int64), 0, event_time is not None)
    if event_time is None:
        count = max(1, rows // RANDOM_ROWS)
        return Chunks(np.random.default_rng(seed).permutation(rows) % count, count, False)
    _, day, sizes = np.unique(event_time.astype("datetime64[D]"), return_inverse=True, return_counts=True)
    pooled = pool(sizes)
    return Chunks(pooled[day], int(pooled[-1]) + 1, True)


def stretches(chunks: Chunks, size: int) -> Chunks:
    """Neighbouring rows in stretches of so many, for a window that is shorter than a day.

    >>> days = cut(np.repeat(np.arange("2013-01-01", "2013-01-15", dtype="datetime64[D]"), 60), 840)
    >>> stretches(days, 30).count, stretches(days, 30).week
    (28, 14)
    """
    count = max(1, len(chunks.codes) // size)
    codes = np.minimum(np.arange(len(chunks.codes)) // size, count - 1)
    return Chunks(codes, count, chunks.in_time, max(1, round(count * WEEK / max(1, chunks.count))))


def thin(chunks: Chunks, size: int, *, seed: int = 0) -> NDArray[np.bool_]:
    """Mark at most `size` rows of each chunk, drawn without replacement, so that unequal samples can be compared."""
    order = np.random.default_rng(seed).permutation(len(chunks.codes))
    by_chunk = order[np.argsort(chunks.codes[order], kind="stable")]
    sizes = chunks.sizes()
    first = np.repeat(np.cumsum(sizes) - sizes, sizes)
    kept = np.zeros(len(order), bool)
    kept[by_chunk[np.arange(len(order)) - first < size]] = True
    return kept


def pool(sizes: NDArray[Any]) -> Codes:
    """The chunk of each day by its rows; a day of under 30 is pooled with the next."""
    codes = np.zeros(len(sizes), np.int64)
    chunk = filled = 0
    for day, size in enumerate(sizes):
        codes[day] = chunk
        filled += int(size)
        if filled >= MIN_ROWS:
            chunk, filled = chunk + 1, 0
    if filled and chunk:
        codes[codes == chunk] = chunk - 1
    return codes
