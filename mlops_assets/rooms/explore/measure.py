"""The figures of a batch's columns, read off the rows by DuckDB."""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from mlops_assets.rooms.explore.profile import MOST_VALUES, ColumnProfile, by_count, has_few_kinds, is_number
from mlops_assets.stores import sql

if TYPE_CHECKING:
    import pyarrow as pa


TOGETHER: Final = 100
"""Columns of a statement: what it costs to plan one grows faster than its columns."""


def of_table(data: "pa.Table") -> list[ColumnProfile]:
    """Profile every column in two statements a hundred: for the figures, and for the values of those that have few.

    >>> import pyarrow as pa
    >>> [found] = of_table(pa.table({"seats": [100, 200, None]}))
    >>> found.nulls, found.distinct, found.lowest, found.highest, found.mean, found.std
    (1, 2, '100', '200', 150.0, 50.0)
    """
    names = data.column_names
    some = [names[start : start + TOGETHER] for start in range(0, len(names), TOGETHER)]
    return [profile for each in some for profile in _some(data.select(each))]


def _some(data: "pa.Table") -> list[ColumnProfile]:
    with sql.connect() as connection:
        connection.execute("SET threads = 1")  # sums of floats then have the same bits for the same rows
        connection.register("batch", data)
        types = {name: str(kind) for name, kind, *_ in connection.execute("DESCRIBE batch").fetchall()}
        found = _rows(connection.execute(_figures(types)).fetchall()[0], 6)
        few = [name for (name, kind), row in zip(types.items(), found, strict=True) if _countable(kind, row[1])]
        counted = connection.execute(_values(few)).fetchall()[0] if few else ()
    values = {name: found or {} for name, found in zip(few, counted, strict=True)}  # of no values: null
    return [
        _profile(name, kind, data.num_rows, row, values.get(name))
        for (name, kind), row in zip(types.items(), found, strict=True)
    ]


def _figures(types: Mapping[str, str]) -> str:
    selected = []
    for name, kind in types.items():
        value = _present(name, kind)
        text = [f"cast({end}({value}) as varchar)" if _ordered(kind) else "null" for end in ("min", "max")]
        number = f"cast({value} as double)" if is_number(kind) or kind == "BOOLEAN" else "cast(null as double)"
        distinct = f"least(approx_count_distinct({value}), count({value}))"
        selected += [f"count({value})", distinct, *text, f"avg({number})", f"var_pop({number}) * count({number})"]
    return f"select {', '.join(selected)} from batch"


def _values(names: Sequence[str]) -> str:
    return f"select {', '.join(f'histogram(cast({sql.identifier(name)} as varchar))' for name in names)} from batch"


def _present(name: str, kind: str) -> str:
    column = sql.identifier(name)
    return f"case when not isnan({column}) then {column} end" if kind in ("FLOAT", "DOUBLE") else column


def _profile(name: str, kind: str, rows: int, row: Sequence[object], values: Mapping[str, int] | None) -> ColumnProfile:
    present, distinct, lowest, highest, mean, m2 = row
    counted = by_count(values) if values is not None and len(values) <= MOST_VALUES else None
    return ColumnProfile(
        column=name,
        type=kind,
        rows=rows,
        nulls=rows - int(str(present)),
        distinct=len(counted) if counted is not None else int(str(distinct)),
        lowest=None if lowest is None else str(lowest),
        highest=None if highest is None else str(highest),
        mean=mean if isinstance(mean, float) else None,
        m2=m2 if isinstance(m2, float) else None,
        values=counted,
    )


def _rows(flat: Sequence[object], width: int) -> list[Sequence[object]]:
    return [flat[start : start + width] for start in range(0, len(flat), width)]


def _ordered(kind: str) -> bool:
    return re.fullmatch(r"VARCHAR|BOOLEAN|DATE|TIMESTAMP[\w ]*", kind) is not None or is_number(kind)


def _countable(kind: str, distinct: object) -> bool:
    """Whether the values can be counted: a little above the limit, as the number of distinct ones is approximate."""
    return has_few_kinds(kind) and int(str(distinct)) <= 2 * MOST_VALUES
