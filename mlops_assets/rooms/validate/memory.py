"""A batch in memory: what has the contract's type already is never copied, and what has not is cast once."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from mlops_assets.rooms.validate import texts, wide
from mlops_assets.rooms.validate.contract import Contract
from mlops_assets.rooms.validate.repairing import ID
from mlops_assets.stores import sql
from mlops_assets.stores.lake import RESERVED
from mlops_assets.stores.rows import CHUNK

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

LIFTED: Final = "lifted"
"""The relation of what arrived, with the columns of text that need no SQL to be cast."""
FAILING: Final = "failing"
"""The relation of the rows that fail by themselves: their numbers."""
_FAILS: Final = f"{RESERVED}fails"
_FEW: Final = 20
"""Rows that are cut out, so that what lies between them is not copied."""


def lift(connection: "duckdb.DuckDBPyConnection", arrived: "pa.Table", contract: Contract) -> "pa.Table":
    """Show DuckDB the contract's columns as `lifted`: text as values, wherever that needs no SQL."""
    wanted = {ID, *(name.lower() for name in contract.names)}
    given = arrived.select([name for name in arrived.column_names if name.lower() in wanted])
    lifted = texts.cast(given, contract.columns)
    connection.register(LIFTED, lifted)
    return lifted


def judged(
    connection: "duckdb.DuckDBPyConnection", contract: Contract, conditions: Sequence[str], lifted: "pa.Table | None"
) -> "pa.Table":
    """Make `judged` of the rows of `typed`, and `failing` of those that meet a condition, in one look at each row.

    Args:
        connection: of the batch.
        contract: whose columns it has, after the row's number.
        conditions: under which a row fails.
        lifted: where its columns have the contract's types, they are not cast.

    Returns:
        What lies in `judged`.
    """
    import pyarrow as pa

    kept = _carried(lifted, contract) if lifted is not None else {}
    fails = " or ".join(f"({condition})" for condition in conditions) or "false"
    if cast := [name for name in contract.names if name not in kept]:
        query = f"select {sql.identifiers([ID, *cast])}, coalesce({fails}, false) as {_FAILS} from typed"
        found = connection.sql(query).to_arrow_table(CHUNK)  # of a relation it is made by all cores
        failing = found.filter(found.column(_FAILS)).select([ID])
        parts = [pa.table(kept), found.drop_columns([_FAILS])] if kept else [found]
    else:
        failing = connection.sql(f"select {ID} from typed where {fails}").to_arrow_table()
        parts = [pa.table(kept)]
    rows = wide.beside(parts, "judged").select([ID, *contract.names])
    connection.register(FAILING, failing)
    connection.register("judged", rows)
    return rows


def _carried(lifted: "pa.Table", contract: Contract) -> "dict[str, pa.ChunkedArray]":
    """The rows' numbers, and the columns that are in the contract's types."""
    places = {name.lower(): place for place, name in enumerate(lifted.column_names)}
    found = {ID: lifted.column(ID)}
    for column in contract.columns:
        place = places.get(column.name.lower())
        if place is not None and _is(lifted.column(place), column.type):
            found[column.name] = lifted.column(place)
    return found


def _is(values: "pa.ChunkedArray", kind: str) -> bool:
    """Whether values are of a contract's type, and none is NaN, which stands for null."""
    import pyarrow as pa
    import pyarrow.compute as pc

    numbers = {"TINYINT": pa.int8(), "SMALLINT": pa.int16(), "INTEGER": pa.int32(), "BIGINT": pa.int64()}
    points = {"FLOAT": pa.float32(), "DOUBLE": pa.float64()}
    others = {"BOOLEAN": pa.bool_(), "VARCHAR": pa.string(), "DATE": pa.date32()}
    kinds = numbers | points | others | {"TIMESTAMPTZ": pa.timestamp("us", "UTC")}
    return bool(values.type == kinds.get(kind) and not (kind in points and pc.any(pc.is_nan(values)).as_py()))


def without(rows: "pa.Table", ids: "pa.ChunkedArray") -> "pa.Table":
    """The rows whose numbers are not among those given."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    if not len(ids):
        return rows
    out = pc.is_in(rows.column(ID), ids)
    places = np.flatnonzero(out)
    if len(places) > _FEW:
        return rows.filter(pc.invert(out))
    ends = [*places.tolist(), rows.num_rows]
    starts = [0, *(place + 1 for place in ends[:-1])]
    return pa.concat_tables([rows.slice(start, end - start) for start, end in zip(starts, ends, strict=True)])
