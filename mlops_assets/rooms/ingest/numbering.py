"""Rows that have no key of their own are named by their batch and their place in it."""

from typing import TYPE_CHECKING

from mlops_assets.errors import LandingError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

DIGITS = 9
"""Of a place, so that names sort as the rows do."""


def numbered(rows: "pa.RecordBatchReader", column: str, batch: str) -> "pa.RecordBatchReader":
    """The rows with one more column, first: `<batch>:<place>`, counted from 1.

    Args:
        rows: of a file, in its order.
        column: the name of the new one.
        batch: that the file is.

    Raises:
        LandingError: the file has a column of that name.
    """
    import pyarrow as pa

    taken = next((name for name in rows.schema.names if name.lower() == column.lower()), None)
    if taken is not None:
        raise LandingError.of(
            f"batch '{batch}' cannot be numbered: it has a column '{taken}' already",
            allowed="a name that no column has",
            step=f"name another column in the source's numbered, or take it out and say key: [{taken}]",
        )
    schema = pa.schema([pa.field(column, pa.string(), nullable=False), *rows.schema])

    def named() -> "Iterator[pa.RecordBatch]":
        done = 0
        for part in rows:
            names = [f"{batch}:{place:0{DIGITS}}" for place in range(done + 1, done + part.num_rows + 1)]
            done += part.num_rows
            yield pa.RecordBatch.from_arrays([pa.array(names, pa.string()), *part.columns], schema=schema)

    return pa.RecordBatchReader.from_batches(schema, named())
