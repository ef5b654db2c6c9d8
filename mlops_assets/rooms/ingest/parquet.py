"""Parquet: a file whose columns the lake keeps as they are is Arrow's to read; DuckDB makes of others what is kept."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_assets.rooms.ingest.refusal import distinct
from mlops_assets.stores.rows import CHUNK

if TYPE_CHECKING:
    import pyarrow as pa


def plain(path: Path) -> bool:
    """Whether each column is of a type that comes out of DuckDB as it went in."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    numbers = [pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.float32(), pa.float64()]
    kinds = [*numbers, pa.bool_(), pa.string(), pa.date32(), pa.timestamp("us", "UTC")]
    return all(kind in kinds for kind in pq.read_schema(path).types)


def stream(path: Path) -> "pa.RecordBatchReader":
    """The rows of a plain file, a chunk at a time; each core decodes some of the columns.

    Raises:
        LandingError: a column's name is doubled, lacking or the platform's own.
        ArrowException: also while the rows pass, where the file is damaged, or a text is none.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = pq.ParquetFile(path)
    distinct(path, file.schema_arrow.names)
    schema = pa.schema([(field.name, field.type) for field in file.schema_arrow])

    def chunks() -> "Iterator[pa.RecordBatch]":
        for batch in file.iter_batches(CHUNK):
            batch.validate(full=True)
            yield pa.RecordBatch.from_arrays(batch.columns, schema=schema)

    return pa.RecordBatchReader.from_batches(schema, chunks())
