"""What a set of rows is, in 64 hex digits: the same in any order, another for any other content."""

import hashlib
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mlops_assets.stores import sql
from mlops_assets.stores.lake import BATCH
from mlops_assets.stores.rows import CHUNK

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

ALGORITHM = "count+sum(hash)+schema/1"


def of_table(data: "pa.Table") -> str:
    """Of rows in memory; the same as the lake gives once it keeps them.

    >>> import pyarrow as pa
    >>> of_table(pa.table({"a": [1, 2], "b": ["x", "y"]})) == of_table(pa.table({"b": ["y", "x"], "a": [2, 1]}))
    True
    """
    from mlops_assets.stores.columns import storable

    kept = storable(data.drop_columns([BATCH]) if BATCH in data.column_names else data)
    return of_stream(kept.to_reader(CHUNK))


def of_stream(reader: "pa.RecordBatchReader") -> str:
    """Of rows that pass once, in the types that the lake keeps; only a chunk of them is in memory."""
    with sql.session() as connection:
        connection.register("kinds", reader.schema.empty_table())
        schema = _schema(connection, "kinds")
        connection.register("passing", reader)
        return _digest(schema, connection.execute(_figures(schema, "passing")).fetchall()[0])


def of_relation(connection: "duckdb.DuckDBPyConnection", relation: str, parameters: Sequence[str] = ()) -> str:
    """Of a DuckDB relation, given as SQL text; the `_batch` column does not count.

    The sum is of 64-bit hashes as 128-bit integers: doubled rows do not cancel, as they would under xor.
    """
    schema = _schema(connection, relation, parameters)
    return _digest(schema, connection.execute(_figures(schema, relation), list(parameters)).fetchall()[0])


def _schema(
    connection: "duckdb.DuckDBPyConnection", relation: str, parameters: Sequence[str] = ()
) -> list[tuple[str, str]]:
    described = connection.execute(f"DESCRIBE SELECT * FROM {relation}", list(parameters)).fetchall()
    return sorted((name, kind) for name, kind, *_ in described if name != BATCH)


def _figures(schema: list[tuple[str, str]], relation: str) -> str:
    columns = sql.identifiers(name for name, _ in schema)
    return f"SELECT count(*), coalesce(sum(hash({columns})::hugeint), 0) FROM {relation}"


def _digest(schema: list[tuple[str, str]], figures: tuple[int, int]) -> str:
    content = json.dumps([ALGORITHM, *map(str, figures), schema])
    return hashlib.sha256(content.encode()).hexdigest()
