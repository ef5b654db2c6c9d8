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

from mlops_assets.rooms.ingest import parquet
from mlops_assets.rooms.ingest.refusal import check_days, distinct, look, reason, refused
from mlops_assets.stores import sql
from mlops_assets.stores.rows import CHUNK

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

Reader = Callable[["duckdb.DuckDBPyConnection", Path, str], str]
"""Connection, file and compression to the SQL that reads the file."""

COMPRESSIONS: Final = {".gz": "gzip", ".zst": "zstd"}
_DELIMITERS: Final = (",", ";", "\t", "|")
_KEPT: Final = re.compile(r"BOOLEAN|TINYINT|SMALLINT|INTEGER|BIGINT|FLOAT|DOUBLE|VARCHAR|BLOB|DATE|DECIMAL\(.*\)")
_WIDER: Final = {"UTINYINT": "SMALLINT", "USMALLINT": "INTEGER", "UINTEGER": "BIGINT", "UBIGINT": "DECIMAL(20,0)"}


def read(path: Path) -> "pa.Table":
    """Read a file by its suffix into memory, whole or not at all.

    Raises:
        LandingError: no such reader, or the file is empty, cut off, or not what its suffix says.
    """
    with sql.session() as connection, _refusing(path):
        if _is_plain(path):
            table = parquet.stream(path).read_all()
        else:
            table = _relation(connection, path).to_arrow_table(CHUNK)  # as a stream, one core makes it alone
        check_days(path, table)
        return table


@contextmanager
def opened(path: Path) -> "Iterator[pa.RecordBatchReader]":
    """A file's rows by its suffix, a chunk at a time.

    Raises:
        LandingError: as `read`; also while the rows pass.
    """
    import pyarrow as pa

    def passing(rows: "pa.RecordBatchReader") -> "Iterator[pa.RecordBatch]":
        with _refusing(path):
            for batch in rows:
                check_days(path, batch)
                yield batch

    with sql.session() as connection:
        with _refusing(path):
            plain = _is_plain(path)
            rows = parquet.stream(path) if plain else _relation(connection, path).to_arrow_reader(CHUNK)
        yield pa.RecordBatchReader.from_batches(rows.schema, passing(rows))


def _is_plain(path: Path) -> bool:
    """Whether Arrow alone reads the file, once it was looked at."""
    ending = suffix(path).lower()
    if ending not in READERS:
        raise refused(path, "no reader for this suffix", allowed=", ".join(sorted(READERS)))
    look(path, ending, _compression(path))
    return ending == ".parquet" and parquet.plain(path)


def _compression(path: Path) -> str:
    return COMPRESSIONS.get(path.suffix.lower(), "")


def _relation(connection: "duckdb.DuckDBPyConnection", path: Path) -> "duckdb.DuckDBPyRelation":
    """A file's rows, in types that tables hold."""
    relation = connection.sql(READERS[suffix(path).lower()](connection, path, _compression(path)))
    columns = zip(relation.columns, relation.types, strict=True)
    return relation.project(
        ", ".join(f"{_storable(name, str(kind))} as {sql.identifier(name)}" for name, kind in columns)
    )


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    """Refuse the file where a parser breaks off.

    Raises:
        LandingError: it did.
    """
    import duckdb
    import pyarrow as pa

    try:
        yield
    except (duckdb.Error, pa.ArrowException, csv.Error, UnicodeDecodeError, OSError) as error:
        raise refused(path, f"cannot be read as {suffix(path).lower()}: {reason(error)}") from error


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
        raise refused(path, "the first line is blank", allowed="a header that names every column")
    distinct(path, header)
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
    distinct(path, keys)
    if not keys:
        raise refused(path, "no line holds a JSON object with a key", allowed="an object a line")
    columns = ", ".join(f"{sql.literal(name)}: 'VARCHAR'" for name in keys)
    shape = "format='newline_delimited', records=true, hive_partitioning=false"
    return f"select * from read_json({source}, columns={{{columns}}}, {shape})"


def parquet_sql(_: "duckdb.DuckDBPyConnection", path: Path, _compression: str) -> str:
    """Parquet, with the types that the file declares."""
    import pyarrow.parquet as pq

    distinct(path, pq.read_schema(path).names)
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


def _header(path: Path, compression: str) -> tuple[list[str], str]:
    import pyarrow as pa

    with pa.input_stream(str(path), compression=compression or None) as stream:
        text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
        first = text.readline()
    parsed = {mark: next(csv.reader([first], delimiter=mark, strict=True), []) for mark in _DELIMITERS}
    delimiter = max(_DELIMITERS, key=lambda mark: len(parsed[mark]))
    return parsed[delimiter], delimiter


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
