"""Rows of which not all columns, or not all rows, need be in memory at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

PIECE: Final = 32_768
"""Rows that are looked at together."""


class Rows(Protocol):
    """As much of an Arrow table as figures are read from."""

    @property
    def num_rows(self) -> int:
        """How many there are."""

    def column(self, i: Any) -> "pa.ChunkedArray":
        """A column by name."""

    def select(self, columns: Any) -> "Rows":
        """Some of the columns."""

    def slice(self, offset: int, length: int) -> "Rows":
        """Neighbouring rows."""


@dataclass(frozen=True)
class Picked:
    """Some rows of others, by their places; a column is read when it is asked for.

    Attributes:
        rows: picked from.
        places: of the picked.
    """

    rows: Rows
    places: "NDArray[np.int64]"

    @property
    def num_rows(self) -> int:
        """How many there are."""
        return len(self.places)

    def column(self, i: Any) -> "pa.ChunkedArray":
        """A column by name."""
        return self.rows.column(i).take(self.places)

    def select(self, columns: Any) -> Rows:
        """Some of the columns."""
        return Picked(self.rows.select(columns), self.places)

    def slice(self, offset: int, length: int) -> Rows:
        """Neighbouring rows of the picked."""
        return Picked(self.rows, self.places[offset : offset + length])


def spread(rows: Rows, count: int) -> Rows:
    """So many of the rows, evenly spread; the rows themselves where that is all of them."""
    if count == rows.num_rows:
        return rows
    return Picked(rows, np.arange(count) * rows.num_rows // count)


def sample(rows: Rows, columns: Sequence[str], most: int) -> "pa.Table":
    """So many of the rows at most, evenly spread, in their order."""
    import pyarrow as pa

    found = spread(rows.select(list(columns)), min(most, rows.num_rows))
    parts = [pa.table({name: piece.column(name) for name in columns}) for piece in pieces(found)]
    return pa.concat_tables(parts) if parts else pa.table({name: found.column(name) for name in columns})


def pieces(rows: Rows) -> Iterator[Rows]:
    """The rows, at most so many at a time, in their order; picked ones as they come by."""
    if isinstance(rows, Picked) and bool((np.diff(rows.places) > 0).all()):
        yield from _passing(rows)
        return
    for start in range(0, rows.num_rows, PIECE):
        yield rows.slice(start, min(PIECE, rows.num_rows - start))


def _passing(picked: Picked) -> Iterator[Rows]:
    start = 0
    for piece in pieces(picked.rows):
        low, high = np.searchsorted(picked.places, [start, start + piece.num_rows])
        if low < high:
            yield Picked(piece, picked.places[low:high] - start)
        start += piece.num_rows
