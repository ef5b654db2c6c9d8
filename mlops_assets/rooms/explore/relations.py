"""How columns hang together, and what foretells the target too well to be known in time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mlops_assets.rooms.explore.profile import ColumnProfile, is_number, is_time
from mlops_assets.rooms.explore.target import Target
from mlops_assets.stores import sql

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

ROWS: Final = 50_000
"""Evenly spaced rows on which single columns are tried against the target."""
SUSPECT: Final = 0.9
"""The AUC, or one less it, from which a single column is suspected."""
SUSPECT_OF_ONE: Final = 0.99
"""The same against the one of several classes that it tells best."""
STRAIGHT: Final = 0.98
"""The absolute correlation with a number that is to be predicted from which a column is suspected."""
COLUMNS: Final = 24
"""Columns of the picture of correlations."""


@dataclass(frozen=True)
class Suspect:
    """What one column alone says of a yes-or-no target.

    Attributes:
        column: its name.
        auc: the area under its ROC curve, turned so that 0.5 says nothing and 1 says all.
        how: on what it was judged.
        late: whether it is declared to be known only after the event.
        limit: the AUC from which it is suspected.
    """

    column: str
    auc: float
    how: str
    late: bool
    limit: float = SUSPECT

    @property
    def suspected(self) -> bool:
        """Whether it is too good, and nothing declares why."""
        return self.auc >= self.limit and not self.late


def correlations(
    connection: "duckdb.DuckDBPyConnection", profiles: Sequence[ColumnProfile]
) -> tuple[list[str], list[list[float | None]]]:
    """Pearson's correlation of every two numbers of the relation `batch` that vary: names, and the matrix."""
    names = [p.column for p in profiles if is_number(p.type) and p.distinct > 1][:COLUMNS]
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    if not pairs:
        return names, []
    asked = ", ".join(f"corr({_double(a)}, {_double(b)})" for a, b in pairs)
    found = dict(zip(pairs, connection.execute(f"select {asked} from batch").fetchall()[0], strict=True))
    return names, [[1.0 if a == b else found.get((a, b), found.get((b, a))) for b in names] for a in names]


def suspects(
    connection: "duckdb.DuckDBPyConnection", profiles: Sequence[ColumnProfile], target: str, late: Sequence[str]
) -> list[Suspect]:
    """Every column alone against a yes-or-no target, the best first; nothing for any other target.

    A number is judged by its ranks; a text by the rate that its value has among other rows.
    """
    connection.execute(
        f"""create or replace temp table tried as select *, row_number() over () as mlops_n,
        cast(({target}\n) as double) as mlops_y from batch using sample reservoir({ROWS} rows) repeatable (7)"""
    )
    ones, zeros, others = connection.execute(
        "select count(*) filter (mlops_y = 1), count(*) filter (mlops_y = 0), "
        "count(*) filter (mlops_y not in (0, 1)) from tried"
    ).fetchall()[0]
    if not ones or not zeros or others:
        return []
    found = []
    for profile in profiles:
        tried = _tried(connection, profile)
        if tried is not None:
            found.append(Suspect(profile.column, max(tried[0], 1 - tried[0]), tried[1], profile.column in late))
    return sorted(found, key=lambda suspect: (-suspect.auc, suspect.column))


def of_classes(
    connection: "duckdb.DuckDBPyConnection", profiles: Sequence[ColumnProfile], target: Target, late: Sequence[str]
) -> list[Suspect]:
    """Every column alone against each class, as one or not; of a column the class that it tells best."""
    best: dict[str, Suspect] = {}
    for value in target.classes:
        for each in suspects(connection, profiles, target.one(value), late):
            if each.column not in best or each.auc > best[each.column].auc:
                told = f"{each.how}, class {value}"
                best[each.column] = Suspect(each.column, each.auc, told, each.late, SUSPECT_OF_ONE)
    return sorted(best.values(), key=lambda suspect: (-suspect.auc, suspect.column))


def sampled(rows: "pa.Table", most: int) -> "pa.Table":
    """Evenly spaced rows: the same rows give the same sample."""
    if rows.num_rows <= most:
        return rows
    return rows.take([place * rows.num_rows // most for place in range(most)])


def _tried(connection: "duckdb.DuckDBPyConnection", profile: ColumnProfile) -> tuple[float, str] | None:
    name = sql.identifier(profile.column)
    if profile.nulls == profile.rows:
        return None
    if is_number(profile.type) or is_time(profile.type) or profile.type == "BOOLEAN":
        missing = f"({name} is null)::integer"
        return _auc(connection, f"select mlops_y as y, {missing} as m, {name} as x from tried", "m, x"), "by its ranks"
    if profile.type != "VARCHAR":
        return None
    rates = f"select {name} as v, avg(mlops_y) as x from tried where mlops_n % 2 = 0 group by 1"
    other = f"""select mlops_y as y, coalesce(x, (select avg(mlops_y) from tried)) as x
        from tried left join ({rates}) on {name} is not distinct from v where mlops_n % 2 = 1"""
    return _auc(connection, other, "x"), "by its value's rate among other rows"


def _auc(connection: "duckdb.DuckDBPyConnection", query: str, order: str) -> float:
    """Mann and Whitney's statistic from mid-ranks (1947), as a share."""
    value = connection.execute(
        f"""with ranked as (select y, rank() over w + (count(*) over (partition by {order}) - 1) / 2.0 as r
        from ({query}) where y is not null window w as (order by {order}))
        select (sum(r) filter (y = 1) - count(*) filter (y = 1) * (count(*) filter (y = 1) + 1) / 2.0)
        / nullif(count(*) filter (y = 1) * count(*) filter (y = 0), 0) from ranked"""
    ).fetchall()[0][0]
    return 0.5 if value is None else float(value)


def _double(name: str) -> str:
    return f"cast({sql.identifier(name)} as double)"
