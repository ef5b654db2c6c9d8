"""Pulled rows become files: what has landed already is left out, and each stretch of the period is a batch."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mlops_assets.spec.dataset import Dataset, Period
from mlops_assets.stores import sql
from mlops_assets.stores.fingerprint import of_relation

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

WHOLE: Final = "all"
"""The batch of a source that is pulled as a whole."""
KNOWN: Final = "known"
_LAYOUTS: Final = {"year": "%Y", "month": "%Y-%m", "day": "%Y-%m-%d", "hour": "%Y-%m-%dT%H"}


def newest(landed: list[Path], cursor: str) -> Any:
    """The newest cursor among the files that have landed; None where there is none."""
    if not landed:
        return None
    with sql.connect() as connection:
        return connection.execute(f"select max({sql.identifier(cursor)}) from {files(landed)}").fetchall()[0][0]


def recall(connection: "DuckDBPyConnection", landed: str, pulled: str, cursor: str) -> None:
    """Make the table of the landed rows that can come again: from the least cursor that was pulled on, or without one.

    A source may give rows from before what it was asked for, such as an endpoint that takes no cursor.
    """
    column = sql.identifier(cursor)
    kind = connection.execute(f"select any_value(typeof({column})) from {landed}").fetchall()[0][0]
    least = f"(select min(try_cast({column} as {kind})) from {pulled})" if kind else "null"
    again = f"coalesce({column} >= {least}, true)"
    connection.execute(f"create temp table {KNOWN} as select * from {landed} where {again}")


def unseen(connection: "DuckDBPyConnection", pulled: str, landed: str) -> str:
    """SQL of the pulled rows that have not landed: row for row, so that real doubles stay doubles.

    Two rows are one when their values are the same once they are read in the type that has landed.
    """
    kinds = {name: kind for name, kind, *_ in connection.execute(f"describe select * from {landed}").fetchall()}
    names = [name for name, *_ in connection.execute(f"describe select * from {pulled}").fetchall()]
    every = list(dict.fromkeys([*names, *kinds]))
    arriving = ", ".join(_as_landed(name, kinds.get(name)) if name in names else "null" for name in every)
    known = ", ".join(f"{sql.identifier(name)}::varchar" if name in kinds else "null" for name in every)
    return f"""(select * exclude (_row_text, _copy, _copies) from
        (select *, row_number() over (partition by _row_text) as _copy
            from (select *, to_json([{arriving}])::varchar as _row_text from {pulled}))
        left join (select _row_text, count(*) as _copies
            from (select to_json([{known}])::varchar as _row_text from {landed}) group by 1) using (_row_text)
        where _copy > coalesce(_copies, 0))"""


def pack(connection: "DuckDBPyConnection", rows: str, dataset: Dataset, folder: Path, stamp: str) -> dict[str, int]:
    """Write a file a batch into a folder; the batches and their rows.

    Args:
        connection: in which `rows` is a relation.
        rows: the relation, as SQL text.
        dataset: for event time and period.
        folder: to write to.
        stamp: the name of this pull; without a cursor a batch keeps its name and is replaced.
    """
    stretch = stretch_sql(dataset.period, dataset.event_time or "") if dataset.period else "''"
    connection.execute(f"create or replace temp table packed as select *, {stretch} as _stretch from {rows}")
    counts = connection.execute("select _stretch, count(*) from packed group by 1 order by 1").fetchall()
    written: dict[str, int] = {}
    for value, count in counts:
        batch = batch_name(value, dataset, stamp)
        chosen = f"select * exclude (_stretch) from packed where _stretch = {sql.literal(value)}"
        target = sql.literal(str(folder / f"{batch}.parquet"))
        connection.execute(f"copy ({chosen}) to {target} (format parquet, compression zstd)")
        written[batch] = count
    return written


def batch_name(stretch: str, dataset: Dataset, stamp: str) -> str:
    """The batch of a stretch: of a pull, or where all is pulled of the stretch itself."""
    if dataset.source.pulled and dataset.source.cursor is None:
        return stretch or WHOLE
    return f"{stretch}_{stamp}" if stretch else stamp


def stretch_sql(period: Period, event_time: str) -> str:
    """SQL of the stretch in which a row's event lies; one whose time cannot be read goes with the present one."""
    time = f"coalesce(try_cast({sql.identifier(event_time)}::varchar as timestamptz), now())"
    layout = sql.literal(_LAYOUTS[period.every])
    return f"coalesce(strftime(timezone({sql.literal(period.timezone)}, {time}), {layout}), '')"


def same(one: Path, other: Path) -> bool:
    """Whether two files hold the same rows, in whatever order."""
    with sql.connect() as connection:
        return of_relation(connection, files([one])) == of_relation(connection, files([other]))


def files(paths: list[Path]) -> str:
    """A DuckDB relation over Parquet files, each with columns of its own."""
    listed = ", ".join(sql.literal(str(path).replace("[", "[[]").replace("*", "[*]")) for path in paths)
    return f"read_parquet([{listed}], union_by_name=true, hive_partitioning=false)"


def _as_landed(name: str, kind: str | None) -> str:
    column = sql.identifier(name)
    return f"coalesce(try_cast({column} as {kind})::varchar, {column}::varchar)" if kind else f"{column}::varchar"
