"""A user's own Python checks, on pandas, over the rows that the SQL pass could cast."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from mlops_assets.rooms.validate import memory
from mlops_assets.rooms.validate.contract import BatchBreach, Contract, CustomCheck
from mlops_assets.rooms.validate.judgement import OTHERS, numbers, without
from mlops_assets.rooms.validate.repairing import ID
from mlops_assets.stores import sql

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import pyarrow as pa


CHUNK: Final = 1_000_000
"""Rows that a check sees at a time."""


def run(connection: "duckdb.DuckDBPyConnection", contract: Contract, judged: "pa.Table | None" = None) -> None:
    """Add to `breaches` the rows of `judged` that don't meet a custom check.

    Args:
        connection: of the batch.
        contract: with the checks.
        judged: what lies in `judged`, where it is in memory.

    Raises:
        BatchBreach: a check could not run, or doesn't answer with a bool a row.
    """
    import pandas as pd
    import pyarrow as pa

    found: list[tuple[str, list[int]]] = []
    for column in dict.fromkeys(check.column for check in contract.custom):
        checks = [check for check in contract.custom if check.column == column]
        for rows in _castable(connection, [column] if column else contract.names, checks[0].dtypes, judged):
            with pd.option_context("mode.copy_on_write", True):  # a check that writes into its rows writes for itself
                found += [
                    (f"{column or 'row'}:{check.name}", _failed(check, rows.copy(deep=False))) for check in checks
                ]
    for reason, failed in found:
        connection.register("failed", pa.table({"id": pa.array(failed, pa.int64())}))
        connection.execute("insert into breaches select id, ?, ? from failed", [OTHERS, reason])
        connection.unregister("failed")


def _castable(
    connection: "duckdb.DuckDBPyConnection", columns: list[str], dtypes: Mapping[str, str], judged: "pa.Table | None"
) -> Iterator["pd.DataFrame"]:
    """The columns of the rows where all of them could be cast, by row number, in the dtypes that the contract names."""
    import pandas as pd

    for chunk in _chunks(connection, columns, judged):
        if chunk.num_rows:
            index = chunk.column(ID).to_pandas()
            declared = {name: _as_declared(chunk.column(name), dtypes.get(name, "")) for name in columns}
            rows = pd.DataFrame(declared, copy=False)
            rows.index = pd.Index(index)
            yield rows


def _chunks(
    connection: "duckdb.DuckDBPyConnection", columns: list[str], judged: "pa.Table | None"
) -> Iterator["pa.Table | pa.RecordBatch"]:
    uncast = ", ".join(sql.literal(f"{name}:{why}") for name in columns for why in ("type", "finite"))
    ids, wanted = f"id from breaches where reason in ({uncast})", [ID, *columns]
    if judged is None:
        query = f"select {sql.identifiers(wanted)} from judged where {without(connection, ids)}"
        yield from connection.execute(query).to_arrow_reader(CHUNK)
    else:
        rows = memory.without(judged, numbers(connection, ids)).select(wanted)
        yield from (rows.slice(start, CHUNK) for start in range(0, rows.num_rows, CHUNK))


def _failed(check: CustomCheck, rows: "pd.DataFrame") -> list[int]:
    import pandas as pd

    where = f"check '{check.name}' of {f'column {check.column!r}' if check.column else 'the table'}"
    values = rows[check.column] if check.column else rows
    try:
        answer = _answer(check, values)
    except Exception as error:
        raise BatchBreach.because(f"check_failed({check.name})", f"{where} could not run: {error!r}") from error
    met = answer.all(axis=1) if isinstance(answer, pd.DataFrame) else answer
    if not isinstance(met, pd.Series) or met.dtype not in ("bool", "boolean") or not _covers(met, values):
        raise BatchBreach.because(
            f"check_failed({check.name})",
            f"{where} doesn't answer row by row",
            got=type(answer).__name__,
            allowed="a bool a row",
        )
    return [int(row) for row in met.index[~met.fillna(True).to_numpy(dtype=bool)]]


def _answer(check: CustomCheck, values: "pd.Series[Any] | pd.DataFrame") -> Any:
    """What a check says; a pattern that Arrow's regular expressions lack is asked again of Python's."""
    import pyarrow as pa

    try:
        return check.check(values).check_output
    except pa.ArrowInvalid:
        return check.check(_in_python(values)).check_output


def _in_python(values: "pd.Series[Any] | pd.DataFrame") -> "pd.Series[Any] | pd.DataFrame":
    import pandas as pd

    if isinstance(values, pd.Series):
        return values.astype(object).where(values.notna(), None) if values.dtype == "str" else values
    return pd.DataFrame({name: _in_python(values[name]) for name in values})


def _covers(met: "pd.Series[Any]", values: "pd.Series[Any] | pd.DataFrame") -> bool:
    """Whether there is an answer for every row; pandera leaves nulls out unless a check asks for them."""
    return len(met) == len(values) or len(met) == len(values.dropna())


def _as_declared(values: "pa.Array | pa.ChunkedArray", dtype: str) -> "pd.Series[Any]":
    """The Series in the dtype that the contract names, where its values allow."""
    import pandas as pd
    import pyarrow as pa

    whole = {pa.int8(): pd.Int8Dtype(), pa.int16(): pd.Int16Dtype(), pa.int32(): pd.Int32Dtype()}
    text = pd.StringDtype("pyarrow", na_value=float("nan"))  # pandas' own `str`: the text stays in Arrow's memory
    kinds = {**whole, pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype(), pa.string(): text}
    plain = dtype[:1].islower() and not values.null_count and not pa.types.is_string(values.type)
    found: pd.Series[Any] = values.to_pandas() if plain else values.to_pandas(types_mapper=kinds.get)
    if dtype.startswith("datetime64"):
        return found if "," in dtype else found.dt.tz_localize(None)
    if not dtype or dtype in ("str", "date") or (values.null_count and dtype[0].islower()):
        return found
    wanted: Any = pd.api.types.pandas_dtype("string" if dtype.startswith("string") else dtype)
    return found if found.dtype == wanted else found.astype(wanted)
