"""Who is in the data, and how the target falls among them: counts by declared groups, which merge over batches."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mlops_assets import keys
from mlops_assets.spec.dataset import Dataset
from mlops_assets.stores import sql
from mlops_assets.stores.lake import Lake

if TYPE_CHECKING:
    import pyarrow as pa

MOST: Final = 50
"""Values of a group that are told apart; the rest is one."""
REST: Final = "(all others)"
MISSING: Final = "(missing)"
FEW: Final = 100
"""Labelled rows below which a rate says little."""
_Z: Final = 1.959964


@dataclass(frozen=True)
class GroupFigure:
    """One value of a declared group.

    Attributes:
        group: the column.
        value: one of its values.
        rows: that have it.
        share: of all rows.
        expected: its share in the population; None: nobody has said.
        labelled: rows whose target is known.
        rate: mean of the target over these; None where there are none.
        low: lower end of Wilson's 95 % interval of a rate between 0 and 1, else None.
        high: its upper end.
        null_share: of the cells of its rows.
    """

    group: str
    value: str
    rows: int
    share: float
    expected: float | None
    labelled: int
    rate: float | None
    low: float | None
    high: float | None
    null_share: float


def of_table(rows: "pa.Table", dataset: Dataset, target: str | None) -> "pa.Table":
    """Counts of one batch: `group_column`, `value`, `rows`, `labelled`, `target_sum`, `binary`, `cells`, `nulls`."""
    import pyarrow as pa

    given = [group.column for group in dataset.groups if group.column in rows.column_names]
    with sql.connect() as connection:
        connection.execute("set threads = 1")  # sums then have the same bits for the same rows
        connection.register("batch", rows)
        number = _number(connection, target)
        parts = [_counts(column, rows.column_names, number) for column in given]
        empty = "select '' as group_column, '' as value, 0 as rows, 0 as labelled, 0.0::double as target_sum, "
        empty += "true as binary_target, 0 as cells, 0 as nulls where false"
        found = connection.execute(" union all ".join([empty, *parts])).to_arrow_table()
    kinds = [pa.string()] * 2 + [pa.int64()] * 2 + [pa.float64(), pa.bool_()] + [pa.int64()] * 2
    return found.cast(pa.schema(list(zip(found.column_names, kinds, strict=True)))).sort_by(
        [("group_column", "ascending"), ("value", "ascending")]
    )


def figures(lake: Lake, dataset: Dataset, *, version: int | None = None) -> list[GroupFigure]:
    """Of all batches together, as explore recorded them; nothing where no groups are declared or recorded.

    The interval is Wilson's, "Probable Inference, the Law of Succession, and Statistical Inference" (1927).
    """
    table = keys.table(dataset.name, "groups")
    if not dataset.groups or not lake.exists(table):
        return []
    return merged(dataset, [lake.read(table, version=version)])


def merged(dataset: Dataset, counts: "Iterable[pa.Table]") -> list[GroupFigure]:
    """The counts of some batches as figures, the largest groups first."""
    import pyarrow as pa

    with sql.session() as connection:
        connection.register("counted", pa.concat_tables(list(counts)))
        found = connection.execute(
            """select group_column, value, sum(rows), sum(labelled), sum(target_sum), bool_and(binary_target),
            sum(cells), sum(nulls) from counted group by 1, 2 order by 1, 3 desc, 2"""
        ).fetchall()
    expected = {(group.column, value): share for group in dataset.groups for value, share in group.expected.items()}
    totals: dict[str, int] = {}
    for group, _, rows, *_ in found:
        totals[group] = totals.get(group, 0) + int(rows)
    order = [group.column for group in dataset.groups]
    ordered = sorted((row for row in found if row[0] in order), key=lambda row: order.index(row[0]))
    return [_figure(row, totals[row[0]], expected.get((row[0], row[1]))) for row in ordered]


def disparities(found: Sequence[GroupFigure]) -> dict[str, float]:
    """Group to the difference between its highest and lowest rate, of values with enough labels."""
    rates: dict[str, list[float]] = {}
    for figure in found:
        if figure.rate is not None and figure.labelled >= FEW:
            rates.setdefault(figure.group, []).append(figure.rate)
    return {group: max(known) - min(known) for group, known in rates.items() if len(known) > 1}


def wilson(positive: float, count: int) -> tuple[float, float]:
    """The 95 % interval of a rate.

    >>> tuple(round(end, 3) for end in wilson(8, 10))
    (0.49, 0.943)
    """
    rate, weight = positive / count, _Z**2 / count
    middle, half = rate + weight / 2, _Z * math.sqrt(rate * (1 - rate) / count + weight / (4 * count))
    return max((middle - half) / (1 + weight), 0.0), min((middle + half) / (1 + weight), 1.0)


def _figure(row: Sequence[object], total: int, expected: float | None) -> GroupFigure:
    group, value, rows, labelled, positive, binary, cells, nulls = row
    count, known, summed = int(str(rows)), int(str(labelled)), float(str(positive or 0))
    low, high = wilson(summed, known) if known and binary else (None, None)
    rate = summed / known if known else None
    missing = int(str(nulls)) / int(str(cells)) if int(str(cells)) else 0.0
    return GroupFigure(str(group), str(value), count, count / total, expected, known, rate, low, high, missing)


def _number(connection: object, target: str | None) -> str:
    """SQL of the target as a number; null where it is none, or not to be had from these rows."""
    import duckdb

    if target is None:
        return "cast(null as double)"
    number = f"try_cast(({target}\n) as double)"
    try:
        connection.execute(f"select {number} from batch limit 0")  # type: ignore[attr-defined]  # a DuckDB connection
    except duckdb.Error:
        return "cast(null as double)"
    return number


def _counts(column: str, names: Sequence[str], number: str) -> str:
    name = sql.identifier(column)
    nulls = " + ".join(f"({sql.identifier(each)} is null)::bigint" for each in names)
    text = f"coalesce(cast({name} as varchar), {sql.literal(MISSING)})"
    kept = f"""select {text} as value from batch group by 1 order by count(*) desc, 1 limit {MOST}"""
    told = f"case when value in ({kept}) then value else {sql.literal(REST)} end"
    return f"""select {sql.literal(column)}, {told}, count(*), count(target),
        coalesce(sum(target), 0)::double, coalesce(bool_and(target in (0, 1)), true),
        count(*) * {len(names)}, sum(nulls)::bigint
        from (select {text} as value, {number} as target, {nulls} as nulls from batch) group by 1, 2"""
