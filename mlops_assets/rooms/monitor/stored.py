"""Rows in a Parquet file, of which a column or some neighbouring rows are in memory when they are asked for."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Stored:
    """As much of an Arrow table as figures are read from.

    Attributes:
        path: of the file.
        columns: that are read; None: all.
    """

    path: Path
    columns: tuple[str, ...] | None = None

    @cached_property
    def ends(self) -> "Ints":
        """The row after the last of each group of rows: a group is read as a whole."""
        import pyarrow.parquet as pq

        told = pq.read_metadata(self.path)
        return np.cumsum([told.row_group(place).num_rows for place in range(told.num_row_groups)], dtype=np.int64)

    @property
    def num_rows(self) -> int:
        """How many there are."""
        return int(self.ends[-1]) if len(self.ends) else 0

    def column(self, i: Any) -> "pa.ChunkedArray":
        """A column by name."""
        return replace(self, columns=(i,)).slice(0, self.num_rows).column(i)

    def select(self, columns: Any) -> "Stored":
        """Some of the columns."""
        return replace(self, columns=tuple(columns))

    def slice(self, offset: int, length: int) -> "pa.Table":
        """Neighbouring rows, read."""
        import pyarrow.parquet as pq

        first = int(np.searchsorted(self.ends, offset, "right"))
        last = int(np.searchsorted(self.ends, offset + length, "left"))
        with pq.ParquetFile(self.path) as file:
            groups = list(range(first, min(last + 1, len(self.ends))))
            rows = file.read_row_groups(groups, columns=self.columns, use_threads=False)
        return rows.slice(offset - (int(self.ends[first - 1]) if first else 0), length)
