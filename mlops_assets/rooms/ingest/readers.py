"""Readers: a landed file becomes a table as it arrived, or a LandingError that names file and reason.

Text formats (CSV, JSON lines) are read as text: what a value means is for the contract to say. Timestamps without a
zone are UTC. What no table holds (unsigned and huge integers, nested values, times of day) is kept wider, or as text.
"""

import csv
import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mlops_assets.errors import LandingError
from mlops_assets.stores import sql
from mlops_assets.stores.lake import reserved
from mlops_assets.stores.rows import CHUNK

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

Reader = Callable[["duckdb.DuckDBPyConnection", Path, str], str]
"""Connection, file and compression to the SQL that reads the file."""

MAGIC: Final = {
    b"PAR1": "Parquet",
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "Zstandard",
    b"PK\x03\x04": "a zip archive or spreadsheet",
    b"BZh": "bzip2",
    b"SQLite format 3": "SQLite",
}
COMPRESSIONS: Final = {".gz": "gzip", ".zst": "zstd"}
_DELIMITERS: Final = (",", ";", "\t", "|")
_KEPT: Final = re.compile(r"BOOLEAN|TINYINT|SMALLINT|INTEGER|BIGINT|FLOAT|DOUBLE|VARCHAR|BLOB|DATE|DECIMAL\(.*\)")
_WIDER: Final = {"UTINYINT": "SMALLINT", "USMALLINT": "INTEGER", "UINTEGER": "BIGINT", "UBIGINT": "DECIMAL(20,0)"}
_DAYS: Final = (-719162, 2932896)
"""The first of the year 1 and the last of 9999, as days since 1970."""
_BYTES: Final = 1 << 20


def read(path: Path) -> "pa.Table":
    """Read a file by its suffix into memory, whole or not at all.

    Raises:
        LandingError: no such reader, or the file is empty, cut off, or not what its suffix says.
    """
    with opened(path) as rows:
        return rows.read_all()


@contextmanager
def opened(path: Path) -> "Iterator[pa.RecordBatchReader]":
    """A file's rows by its suffix, a chunk at a time.

    Raises:
        LandingError: as `read`; also while the rows pass.
    """
    import duckdb
    import pyarrow as pa

    ending = suffix(path).lower()
    if ending not in READERS:
        raise _refused(path, "no reader for this suffix", allowed=", ".join(sorted(READERS)))
    compression = COMPRESSIONS.get(path.suffix.lower(), "")
    _look(path, ending, compression)
    damages = (duckdb.Error, pa.ArrowException, csv.Error, UnicodeDecodeError, OSError)

    def passing(rows: "pa.RecordBatchReader") -> "Iterator[pa.RecordBatch]":
        try:
            for batch in rows:
                _check_days(path, batch)
                yield batch
        except damages as error:
            raise _refused(path, f"cannot be read as {ending}: {_reason(error)}") from error

    with sql.session() as connection:
        try:
            relation = connection.sql(READERS[ending](connection, path, compression))
            columns = zip(relation.columns, relation.types, strict=True)
            kept = ", ".join(f"{_storable(name, str(kind))} as {sql.identifier(name)}" for name, kind in columns)
            rows = relation.project(kept).to_arrow_reader(CHUNK)
        except damages as error:
            raise _refused(path, f"cannot be read as {ending}: {_reason(error)}") from error
        yield pa.RecordBatchReader.from_batches(rows.schema, passing(rows))


def suffix(path: Path) -> str:
    """The suffix by which a file's reader is chosen: the longest registered one, or else the last.

    >>> suffix(Path("2013.01.csv.gz")), suffix(Path("notes.txt"))
    ('.csv.gz', '.txt')
    """
    name = path.name.lower()
    known = max((ending for ending in READERS if name.endswith(ending)), key=len, default=path.suffix)
    return path.name[len(path.name) - len(known) :] if known else ""


def csv_sql(_: "duckdb.DuckDBPyConnection", path: Path, compression: str) -> str:
    """CSV with a header; every value is text, an empty unquoted one is null."""
    header, delimiter = _header(path, compression)
    if not header:
        raise _refused(path, "the first line is blank", allowed="a header that names every column")
    _distinct(path, header)
    columns = ", ".join(f"{sql.literal(name)}: 'VARCHAR'" for name in header)
    dialect = f"header=true, auto_detect=false, delim={sql.literal(delimiter)}, quote='\"', escape='\"'"
    strictness = "strict_mode=true, ignore_errors=false, null_padding=false, allow_quoted_nulls=false"
    return (
        f"select * from read_csv({_pattern(path)}, columns={{{columns}}}, {dialect}, {strictness}, "
        f"hive_partitioning=false, compression={sql.literal(compression or 'none')})"
    )


def json_sql(connection: "duckdb.DuckDBPyConnection", path: Path, compression: str) -> str:
    """JSON lines: an object a line; every value is text, a nested one is JSON, a missing or null one is null."""
    source = f"{_pattern(path)}, ignore_errors=false, compression={sql.literal(compression or 'uncompressed')}"
    listed = connection.execute(
        "select k, min(n) from (select k, row_number() over () as n from "
        f"(select unnest(json_keys(json)) as k from read_ndjson_objects({source}))) group by k order by 2"
    ).fetchall()
    keys = [str(key) for key, _ in listed]
    _distinct(path, keys)
    if not keys:
        raise _refused(path, "no line holds a JSON object with a key", allowed="an object a line")
    columns = ", ".join(f"{sql.literal(name)}: 'VARCHAR'" for name in keys)
    shape = "format='newline_delimited', records=true, hive_partitioning=false"
    return f"select * from read_json({source}, columns={{{columns}}}, {shape})"


def parquet_sql(_: "duckdb.DuckDBPyConnection", path: Path, _compression: str) -> str:
    """Parquet, with the types that the file declares."""
    import pyarrow.parquet as pq

    _distinct(path, pq.read_schema(path).names)
    return f"select * from read_parquet({_pattern(path)}, hive_partitioning=false)"


READERS: Final[dict[str, Reader]] = {
    ".csv": csv_sql,
    ".csv.gz": csv_sql,
    ".csv.zst": csv_sql,
    ".jsonl": json_sql,
    ".jsonl.gz": json_sql,
    ".jsonl.zst": json_sql,
    ".ndjson": json_sql,
    ".ndjson.gz": json_sql,
    ".ndjson.zst": json_sql,
    ".parquet": parquet_sql,
}
"""Suffix to reader; a new format is a new line."""


def _look(path: Path, ending: str, compression: str) -> None:
    """Refuse what is empty, cut off or plainly something else, before a parser sees it (DuckDB reads a cut gzip)."""
    with path.open("rb") as file:
        head = file.read(16)
    if not head:
        raise _refused(path, "the file is empty (0 bytes)")
    expected = "Parquet" if ending.endswith(".parquet") else {"gzip": "gzip", "zstd": "Zstandard", "": ""}[compression]
    found = next((name for mark, name in MAGIC.items() if head.startswith(mark)), "")
    if found != expected:
        raise _refused(path, f"not what its suffix {ending} says: it looks like {found or 'something else'}")
    if expected != "Parquet":
        _drain(path, compression)


def _drain(path: Path, compression: str) -> None:
    import pyarrow as pa

    seen = False
    try:
        with pa.input_stream(str(path), compression=compression or None) as stream:
            while chunk := stream.read(_BYTES):
                seen = True
                if b"\0" in chunk:
                    raise _refused(path, "binary content (a NUL byte) where text was expected")
    except OSError as error:
        raise _refused(path, f"cut off or damaged: {_reason(error)}") from error
    if not seen:
        raise _refused(path, "the file is empty inside its compression (0 bytes)")


def _header(path: Path, compression: str) -> tuple[list[str], str]:
    import pyarrow as pa

    with pa.input_stream(str(path), compression=compression or None) as stream:
        text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
        first = text.readline()
    parsed = {mark: next(csv.reader([first], delimiter=mark, strict=True), []) for mark in _DELIMITERS}
    delimiter = max(_DELIMITERS, key=lambda mark: len(parsed[mark]))
    return parsed[delimiter], delimiter


def _distinct(path: Path, names: list[str]) -> None:
    seen: dict[str, str] = {}
    for position, name in enumerate(names, start=1):
        if not name.strip():
            raise _refused(path, f"column {position} has no name", allowed="a header that names every column")
        if name.lower() in seen:
            raise _refused(
                path, f"a column name is doubled: {seen[name.lower()]!r}, {name!r}", allowed="each name once"
            )
        if reserved(name):
            raise _refused(path, f"column {name!r} is the platform's own", allowed="any other name")
        seen[name.lower()] = name


def _check_days(path: Path, batch: "pa.RecordBatch") -> None:
    """Refuse days that no table can hold: Delta's writer breaks off at them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for field, column in zip(batch.schema, batch.columns, strict=True):
        if pa.types.is_date32(field.type):
            ends = pc.min_max(column.cast(pa.int32()))
            if ends["min"].is_valid and not _DAYS[0] <= ends["min"].as_py() <= ends["max"].as_py() <= _DAYS[1]:
                raise _refused(path, f"column {field.name!r} holds days outside the years 1 to 9999")


def _storable(name: str, kind: str) -> str:
    column = sql.identifier(name)
    if _KEPT.fullmatch(kind):
        return column
    if kind.startswith("TIMESTAMP"):
        return f"cast({column} as TIMESTAMP WITH TIME ZONE)"
    if kind in _WIDER:
        return f"cast({column} as {_WIDER[kind]})"
    nested = kind.endswith("]") or kind.startswith(("STRUCT", "MAP", "UNION"))
    return f"cast({'to_json' if nested else ''}({column}) as VARCHAR)"


def _pattern(path: Path) -> str:
    return sql.literal(re.sub(r"([*?\[])", r"[\1]", str(path)))


def _reason(error: BaseException) -> str:
    """What a parser says, without its advice on how to read the file all the same."""
    said = re.split(r"Possible |Try ", str(error))[0]
    return " ".join(said.split())[:300]


def _refused(path: Path, reason: str, *, allowed: object = None) -> LandingError:
    return LandingError.of(
        f"{path}: {reason}", allowed=allowed, step="land a whole file of the same name; this one stays"
    )
