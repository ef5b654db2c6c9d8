"""A user's own Python checks, on pandas, over the rows that the SQL pass could cast."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mlops_assets.rooms.validate.contract import BatchBreach, Contract, CustomCheck
from mlops_assets.rooms.validate.judgement import REASONS
from mlops_assets.rooms.validate.repairing import ID
from mlops_assets.stores import sql

if TYPE_CHECKING:
    import duckdb
    import pandas as pd


def run(connection: "duckdb.DuckDBPyConnection", contract: Contract) -> None:
    """Add to `breaches` the rows of `judged` that don't meet a custom check.

    Raises:
        BatchBreach: a check could not run, or doesn't answer with a bool a row.
    """
    import pandas as pd
    import pyarrow as pa

    frames: dict[str | None, pd.DataFrame] = {}
    for check in contract.custom:
        if check.column not in frames:
            columns = [check.column] if check.column else contract.names
            frames[check.column] = _castable(connection, columns, check.dtypes)
        if frames[check.column].empty:
            continue
        failed = _failed(check, frames[check.column].copy())
        connection.register("failed", pa.table({"id": pa.array(failed, pa.int64())}))
        reason = f"{check.column or 'row'}:{check.name}"
        connection.execute("insert into breaches select id, ? from failed", [reason])
        connection.unregister("failed")


def _castable(connection: "duckdb.DuckDBPyConnection", columns: list[str], dtypes: Mapping[str, str]) -> "pd.DataFrame":
    """The columns of the rows where all of them could be cast, by row number, in the dtypes that the contract names."""
    import pandas as pd
    import pyarrow as pa

    uncast = [f"{name}:{why}" for name in columns for why in ("type", "finite")]
    query = f"select {ID}, {sql.identifiers(columns)} from judged where not list_has_any({REASONS}, ?) order by 1"
    whole = {pa.int8(): pd.Int8Dtype(), pa.int16(): pd.Int16Dtype(), pa.int32(): pd.Int32Dtype()}
    kinds = {**whole, pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}
    rows = connection.execute(query, [uncast]).to_arrow_table().to_pandas(types_mapper=kinds.get).set_index(ID)
    return pd.DataFrame({name: _as_declared(rows[name], dtypes.get(name, "")) for name in columns})


def _failed(check: CustomCheck, rows: "pd.DataFrame") -> list[int]:
    import pandas as pd

    where = f"check '{check.name}' of {f'column {check.column!r}' if check.column else 'the table'}"
    values = rows[check.column] if check.column else rows
    try:
        answer = check.check(values).check_output
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


def _covers(met: "pd.Series[Any]", values: "pd.Series[Any] | pd.DataFrame") -> bool:
    """Whether there is an answer for every row; pandera leaves nulls out unless a check asks for them."""
    return len(met) == len(values) or len(met) == len(values.dropna())


def _as_declared(values: "pd.Series[Any]", dtype: str) -> "pd.Series[Any]":
    """The Series in the dtype that the contract names, where its values allow."""
    if dtype.startswith("datetime64"):
        return values if "," in dtype else values.dt.tz_localize(None)
    if not dtype or dtype in ("str", "object", "date") or (values.isna().any() and dtype[0].islower()):
        return values
    import pandas as pd

    return values.astype(pd.api.types.pandas_dtype("string" if dtype.startswith("string") else dtype))
