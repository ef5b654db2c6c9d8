"""Rows on their way into the lake: a stream is spooled to a file first, and so read twice in little memory."""

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Union
from uuid import uuid4

from mlops_assets.errors import StoreError
from mlops_assets.stores.columns import fitted, storable

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    Rows = Union[pa.Table, pa.RecordBatchReader, duckdb.DuckDBPyRelation]  # noqa: UP007 - pyarrow is untyped: `|` fails

CHUNK = 65_536
"""Rows of a stream that are read at a time."""
PIECE = 128 * 2**20
"""Bytes of a stream that are written at a time."""
SPOOL = ".spool"
"""The folder inside the lake that holds streams while they are being written; what a killed writer left is garbage."""


@dataclass(frozen=True)
class Kept:
    """Rows in the types that the lake keeps, which can be read again and again.

    Attributes:
        schema: of each chunk.
        count: of the rows.
        chunks: begins to read anew.
        spool: a folder on the lake's disk for what a write needs on its way.
    """

    schema: "pa.Schema"
    count: int
    chunks: "Callable[[], Iterator[pa.Table]]"
    spool: Path

    def fitted(self, schema: "pa.Schema", table: str) -> "Kept":
        """The rows under a table's schema: what they lack is null, what they add comes last.

        Raises:
            StoreError: a column has another type than the table's.
        """
        wanted = fitted(self.schema.empty_table(), schema, table).schema
        return replace(self, schema=wanted, chunks=lambda: (fitted(chunk, schema, table) for chunk in self.chunks()))

    def tagged(self, column: str, value: str) -> "Kept":
        """With one more column, which holds one text throughout."""
        import pyarrow as pa

        def tag(chunk: "pa.Table") -> "pa.Table":
            return chunk.append_column(column, pa.repeat(value, chunk.num_rows).cast(pa.string()))

        return replace(self, schema=tag(self.schema.empty_table()).schema, chunks=lambda: map(tag, self.chunks()))

    def renamed(self, names: Mapping[str, str]) -> "Kept":
        """With other names of columns."""

        def rename(chunk: "pa.Table") -> "pa.Table":
            return chunk.rename_columns([names.get(name, name) for name in chunk.column_names])

        return replace(self, schema=rename(self.schema.empty_table()).schema, chunks=lambda: map(rename, self.chunks()))

    def reader(self) -> "pa.RecordBatchReader":
        """The rows once, as an Arrow stream."""
        import pyarrow as pa

        batches = (batch for chunk in self.chunks() for batch in chunk.to_batches(CHUNK))
        return pa.RecordBatchReader.from_batches(self.schema, batches)

    def pieces(self) -> "Iterator[pa.RecordBatch]":
        """The rows once, in few pieces: what lies in memory in one, wherever it can be, and a stream in large ones."""
        held: list[pa.Table] = []
        size = 0
        for chunk in self.chunks():
            held.append(chunk)
            size += chunk.nbytes
            if size >= PIECE:
                yield from _joined(held)
                held, size = [], 0
        yield from _joined(held)


@contextmanager
def kept(data: "Rows", lake: Path) -> Iterator[Kept]:
    """Rows as the lake keeps them; a stream is run once, into a file that goes with the block.

    Raises:
        StoreError: a type or name that the lake cannot keep.
    """
    import pyarrow as pa

    if isinstance(data, pa.Table):
        rows = _in_one_piece(storable(data))
        yield Kept(rows.schema, rows.num_rows, lambda: iter([rows]), lake / SPOOL)
        return
    reader = data if isinstance(data, pa.RecordBatchReader) else data.to_arrow_reader(CHUNK)
    spool = lake / SPOOL / f"{uuid4().hex}.arrow"
    spool.parent.mkdir(parents=True, exist_ok=True)
    try:
        schema, count = _spooled(reader, spool)
        yield Kept(schema, count, lambda: _chunks(spool), spool.parent)
    finally:
        spool.unlink(missing_ok=True)


def _joined(chunks: "list[pa.Table]") -> "Iterator[pa.RecordBatch]":
    import pyarrow as pa

    if chunks:
        whole = chunks[0] if len(chunks) == 1 else pa.concat_tables(chunks).combine_chunks()
        yield from (batch for batch in whole.to_batches() if batch.num_rows)


def _in_one_piece(rows: "pa.Table") -> "pa.Table":
    """The rows with one chunk a column, wherever it can hold them; each core copies some of the columns."""
    import pyarrow as pa

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        columns = list(pool.map(lambda name: rows.select([name]).combine_chunks().column(0), rows.column_names))
    return pa.Table.from_arrays(columns, schema=rows.schema)


@contextmanager
def disk(what: str) -> Iterator[None]:
    """Tell as the store's error that a disk, or Delta above it, refused a write: a full disk comes as either.

    Raises:
        StoreError: it did.
    """
    from deltalake.exceptions import DeltaError

    try:
        yield
    except (OSError, DeltaError) as problem:
        step = "make room on the disk, if it is full, and run the step again"
        raise StoreError.of(f"{what} could not be written, its last version stays: {problem}", step=step) from problem


def _spooled(reader: "pa.RecordBatchReader", spool: Path) -> tuple["pa.Schema", int]:
    import pyarrow as pa

    schema = storable(reader.schema.empty_table()).schema
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    count = 0
    with pa.OSFile(str(spool), "wb") as sink, pa.ipc.new_stream(sink, schema, options=options) as writer:
        for batch in reader:
            chunk = storable(pa.Table.from_batches([batch]))
            writer.write_table(chunk, max_chunksize=CHUNK)
            count += chunk.num_rows
    return schema, count


def _chunks(spool: Path) -> Iterator["pa.Table"]:
    import pyarrow as pa

    with pa.OSFile(str(spool), "rb") as source, pa.ipc.open_stream(source) as batches:
        for batch in batches:
            yield pa.Table.from_batches([batch])
