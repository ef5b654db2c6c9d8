"""Many rows at once, as JSON, an Arrow IPC stream or file, or Parquet: held to the same schema as one."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from mlops_assets.rooms.release.schema import LARGEST
from mlops_assets.rooms.serve.problems import Problem, fault
from mlops_assets.rooms.serve.question import LONGEST_TEXT, MANY, Many, Questions, allowed
from mlops_assets.rooms.serve.unpacked import unpacked

if TYPE_CHECKING:
    import pyarrow as pa

JSON: Final = b"application/json"
ARROW: Final = b"application/vnd.apache.arrow.stream"
PARQUET: Final = b"application/vnd.apache.parquet"
KINDS: Final = (JSON, ARROW, PARQUET)
ROWS: Final = 50_000
MAGIC: Final = b"ARROW1\0\0"
BYTES: Final = 268_435_456
"""Of Parquet or Arrow when it is unpacked: a small file can hold very much."""


def read(questions: Questions, body: bytes, kind: bytes, asks: Sequence[str] = ()) -> Many:
    """The rows of a body, or its keys.

    Args:
        questions: of the model.
        body: whole.
        kind: one of `KINDS`.
        asks: the columns of a key; a table that has these, and not every input, holds keys.

    Raises:
        Problem: 400 when it cannot be read, 413 with too many rows, 422 off the schema.
    """
    if kind == JSON:
        found = questions.many(body)
        _bounded(max(map(len, found)))
        return found
    import pyarrow as pa

    try:
        return _told(questions, _table(body, kind, [*questions.names, *asks]), asks)
    except (pa.ArrowException, OSError, ValueError) as error:  # some damage shows only where a value is looked at
        raise Problem(400, fault("", f"cannot be read as {kind.decode()}")) from error


def _told(questions: Questions, table: "pa.Table", asks: Sequence[str]) -> Many:
    given = set(table.column_names)
    if asks and given >= set(asks) and not given >= set(questions.names):
        return Many([], table.to_pylist())
    faults = _names(questions, table.column_names)
    columns = [] if faults else [_column(entry, table[entry["name"]], faults) for entry in questions.schema]
    if faults:
        raise Problem(422, *faults[:MANY])
    return Many([questions.inputs(*row) for row in zip(*columns, strict=True)] if table.num_rows else [])


def _table(body: bytes, kind: bytes, names: Sequence[str]) -> "pa.Table":
    import pyarrow as pa
    import pyarrow.parquet as pq

    if kind != PARQUET:
        return _arrow(body)
    there = [name for name in pq.read_schema(pa.BufferReader(body)).names if name in names]
    file = pq.ParquetFile(pa.BufferReader(body), read_dictionary=there)
    _bounded(file.metadata.num_rows)  # before a page is unpacked: a small file can hold very many rows
    _unpacked(sum(file.metadata.row_group(n).total_byte_size for n in range(file.num_row_groups)))
    return file.read(columns=file.schema_arrow.names[: len(names) + MANY])


def _arrow(body: bytes) -> "pa.Table":
    import pyarrow as pa

    source = pa.py_buffer(body)
    if body[: len(MAGIC)] == MAGIC:
        source = source.slice(len(MAGIC))  # a file is a stream between two marks, and the footer comes after its end
    _unpacked(unpacked(source))  # before anything is
    kept, count = [], 0
    stream = pa.ipc.open_stream(source)
    for batch in stream:
        batch.validate(full=True)
        count += batch.num_rows
        _bounded(count)
        kept.append(batch)
    return pa.Table.from_batches(kept, stream.schema)


def _bounded(count: int) -> None:
    if count > ROWS:
        raise Problem(413, fault("", "too many rows", ROWS), step="send them in parts")


def _unpacked(size: int) -> None:
    if size > BYTES:
        raise Problem(413, fault("", "too large when it is unpacked", f"{BYTES} bytes"), step="send it in parts")


def _names(questions: Questions, given: Sequence[str]) -> list[dict[str, Any]]:
    faults = [fault(name, "unknown field", list(questions.names)) for name in given if name not in questions.names]
    doubled = sorted({name for name in given if given.count(name) > 1})
    faults += [fault(name, "given twice", "once") for name in doubled]
    missing = [entry for entry in questions.schema if entry["name"] not in given]
    return faults + [fault(entry["name"], "missing", allowed(entry)) for entry in missing]


def _column(entry: Mapping[str, Any], column: "pa.ChunkedArray", faults: list[dict[str, Any]]) -> list[Any]:
    """A column's values; what is wrong with it goes to the faults."""
    import pyarrow as pa

    kinds = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
    name, number = entry["name"], entry["kind"] == "number"
    if pa.types.is_dictionary(column.type):
        column = _plain(column)
    fits = any(test(column.type) for test in kinds) if number else _is_text(column.type)
    if not fits and not pa.types.is_null(column.type):
        faults.append(fault(name, "not numbers" if number else "not text", allowed(entry)))
        return []
    if column.null_count and not entry["nullable"]:
        faults.append(fault(name, f"null in {column.null_count} rows", allowed(entry)))
    return _numbers(entry, column, faults) if number else _texts(entry, column, faults)


def _numbers(entry: Mapping[str, Any], column: "pa.ChunkedArray", faults: list[dict[str, Any]]) -> list[Any]:
    import pyarrow as pa
    import pyarrow.compute as pc

    values = column.cast(pa.float64(), safe=False)
    wild = pc.sum(pc.invert(pc.less_equal(pc.abs(values), LARGEST))).as_py() or 0
    if wild:
        faults.append(fault(entry["name"], f"NaN, infinite or out of range in {wild} rows", allowed(entry)))
    return list(values.to_pylist())


def _texts(entry: Mapping[str, Any], column: "pa.ChunkedArray", faults: list[dict[str, Any]]) -> list[Any]:
    import pyarrow as pa
    import pyarrow.compute as pc

    values = column.cast(pa.string())
    if (pc.max(pc.utf8_length(values)).as_py() or 0) > LONGEST_TEXT:
        faults.append(fault(entry["name"], "too long", allowed(entry)))
    if entry["unknown"] == "refuse" and entry["categories"]:
        known = pc.is_in(values.drop_null(), value_set=pa.array(entry["categories"], pa.string()))
        strangers = len(known) - (pc.sum(known).as_py() or 0)
        if strangers:
            faults.append(fault(entry["name"], f"unknown category in {strangers} rows", allowed(entry)))
    return list(values.to_pylist())


def _plain(column: "pa.ChunkedArray") -> "pa.ChunkedArray":
    """A dictionary's values; long ones are cut first, for a few bytes can stand for a long text in every row."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not _is_text(column.type.value_type):
        return column.cast(column.type.value_type)
    chunks = [
        pc.take(pc.utf8_slice_codeunits(chunk.dictionary.cast(pa.string()), 0, LONGEST_TEXT + 1), chunk.indices)
        for chunk in column.chunks
    ]
    return pa.chunked_array(chunks, pa.string())


def _is_text(kind: "pa.DataType") -> bool:
    import pyarrow as pa

    return any(test(kind) for test in (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view))
