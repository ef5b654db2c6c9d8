"""What is to be predicted: a rate, a number or classes; how it goes over time, and by the values of each column."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mlops_assets.rooms.explore import bars
from mlops_assets.rooms.explore.heat import heat
from mlops_assets.rooms.explore.profile import ColumnProfile, is_number
from mlops_assets.stores import sql

if TYPE_CHECKING:
    from datetime import datetime

    import duckdb

CLASSES: Final = 10
"""Up to which a target of texts, or of few whole numbers, is told class by class."""
CATEGORIES: Final = 12
"""Values up to which a column is told value by value."""
PANELS: Final = 12
_SHARES: Final = (0.2, 0.4, 0.6, 0.8)


@dataclass(frozen=True)
class Target:
    """What is predicted, as SQL over `batch`.

    Attributes:
        sql: the expression.
        classes: the values of a target of classes, the most frequent first; empty: it is a number, or a yes or no.
        rate: whether it is a yes or no.
        counts: rows of each class.
    """

    sql: str
    classes: tuple[str, ...] = ()
    rate: bool = False
    counts: tuple[int, ...] = ()

    @property
    def parts(self) -> tuple[str, ...]:
        """SQL of the numbers whose mean is told: one, or of each class whether it is that."""
        if not self.classes:
            return (f"cast(({self.sql}\n) as double)",)
        return tuple(f"{self.one(value)}::double" for value in self.classes)

    def one(self, value: str) -> str:
        """SQL of whether it is one of the classes."""
        return f"(cast(({self.sql}\n) as varchar) = {sql.literal(value)})"


def of_batch(connection: "duckdb.DuckDBPyConnection", target: str | None) -> Target | None:
    """What the target of the relation `batch` is; None where there is none, or it has too many texts to tell apart."""
    import duckdb

    if not target:
        return None
    value = f"({target}\n)"
    try:
        kind, distinct, zero_one = connection.execute(
            f"select any_value(typeof({value})), count(distinct {value}), bool_and(cast({value} as varchar) in "
            "('0', '1', '0.0', '1.0', 'true', 'false')) from batch"
        ).fetchall()[0]
    except duckdb.Error:
        return None
    whole = str(kind).endswith("INT") or kind == "INTEGER"
    if kind == "VARCHAR" or (whole and not zero_one and distinct <= CLASSES):
        return _classes(connection, target) if distinct <= CLASSES else None
    return Target(target, rate=bool(zero_one)) if kind == "BOOLEAN" or is_number(str(kind)) else None


def over_time(connection: "duckdb.DuckDBPyConnection", target: Target, moment: str, step: str) -> str:
    """The share of each class in each period."""
    shares = ", ".join(f"avg({part})" for part in target.parts)
    rows = connection.execute(
        f"select date_trunc('{step}', {moment}), {shares} from batch where {moment} is not null group by 1 order by 1"
    ).fetchall()
    if not rows:
        return ""
    moments: list[datetime] = [row[0] for row in rows]
    some = sorted({round(part * (len(moments) - 1) / 6) for part in range(7)})
    return heat(
        f"classes by {step}: the share of rows",
        [bars.cut(name) for name in target.classes],
        [[row[place + 1] for row in rows] for place in range(len(target.classes))],
        colours="YlGnBu",
        ends=(0.0, 1.0),
        below=[f"{moments[place]:%Y-%m-%d}" for place in some],
    )


def counted(target: Target) -> str:
    """How often each class is."""
    total, top = sum(target.counts) or 1, max(target.counts, default=1)
    pairs = zip(target.classes, target.counts, strict=True)
    drawn = [bars.Bar(name, (count / top,), f"{count:,} ({count / total:.1%})") for name, count in pairs]
    return f"<div class=spreads>{bars.figure('rows of each class', drawn)}</div>"


def by_column(connection: "duckdb.DuckDBPyConnection", profiles: Sequence[ColumnProfile], target: Target) -> str:
    """The mean of the target, or the share of its classes, by the values of columns that have few, and by fifths."""
    few = [p for p in profiles if p.values and 1 < len(p.values) <= CATEGORIES]
    wide = [p for p in profiles if is_number(p.type) and p not in few and p.lowest != p.highest]
    panels = [_panel(connection, p, target) for p in [*few, *_telling(connection, wide, target)][:PANELS]]
    drawn = "".join(panel for panel in panels if panel)
    if not drawn:
        return "<p>No column varies by which the target could be told.</p>"
    names = bars.key(target.classes) if target.classes else ""
    what = "The share of each class" if target.classes else "The rate" if target.rate else "The mean"
    said = "by value where a column has few, else by fifths of its rows, those first that tell most."
    return f"<p class=sub>{what} of the target: {said}</p>{names}<div class=spreads>{drawn}</div>"


def _classes(connection: "duckdb.DuckDBPyConnection", target: str) -> Target | None:
    found = connection.execute(
        f"select cast(({target}\n) as varchar) as y, count(*) from batch where y is not null "
        "group by 1 order by 2 desc, 1"
    ).fetchall()
    return Target(target, tuple(y for y, _ in found), counts=tuple(n for _, n in found)) if found else None


def _telling(
    connection: "duckdb.DuckDBPyConnection", profiles: Sequence[ColumnProfile], target: Target
) -> list[ColumnProfile]:
    """The numbers, those first that go most with the target, or with one of its classes."""
    if not profiles:
        return []
    pairs = [
        f"abs(corr(cast({sql.identifier(p.column)} as double), {part}))" for p in profiles for part in target.parts
    ]
    found = connection.execute(f"select {', '.join(pairs)} from batch").fetchall()[0]
    parts = len(target.parts)
    strength = {
        p.column: max((r for r in found[place * parts : (place + 1) * parts] if r is not None and r == r), default=0.0)  # noqa: PLR0124 - not NaN
        for place, p in enumerate(profiles)
    }
    return sorted(profiles, key=lambda p: -strength[p.column])


def _panel(connection: "duckdb.DuckDBPyConnection", profile: ColumnProfile, target: Target) -> str:
    name = sql.identifier(profile.column)
    value, order = (name, "n desc, 1")
    edges: list[float] = []
    if not profile.values or len(profile.values) > CATEGORIES:
        number = f"cast({name} as double)"
        found = connection.execute(f"select quantile_disc({number}, {list(_SHARES)}) from batch").fetchall()[0][0]
        edges = sorted({edge for edge in found or () if edge == edge})  # noqa: PLR0124 - not NaN
        cases = " ".join(f"when {number} <= {edge!r} then {place}" for place, edge in enumerate(edges))
        value, order = f"case {cases} else {len(edges)} end" if edges else "0", "1"
    elif is_number(profile.type):
        order = f"min({name})"
    means = ", ".join(f"avg({part})" for part in target.parts)
    rows = connection.execute(
        f"select {value}, count(*) as n, {means} from batch where {name} is not null and ({target.sql}\n) is not null "
        f"group by 1 order by {order}"
    ).fetchall()
    named = [(_fifth(int(row[0]), edges) if edges else bars.label(str(row[0])), row[1], row[2:]) for row in rows]
    return bars.figure(profile.column, _bars(named, target)) if len(named) > 1 else ""


def _bars(rows: Sequence[tuple[str, int, Sequence[float]]], target: Target) -> list[bars.Bar]:
    if target.classes:
        return [bars.Bar(name, tuple(means), f"{count:,}", f"{count:,} rows", "") for name, count, means in rows]
    top = max(abs(means[0]) for _, _, means in rows) or 1.0
    return [
        bars.Bar(
            name,
            (abs(means[0]) / top,),
            f"{means[0]:.1%}" if target.rate else bars.told(means[0]),
            f"{count:,} rows",
            bars.INK if means[0] >= 0 else bars.AMBER,
        )
        for name, count, means in rows
    ]


def _fifth(place: int, edges: Sequence[float]) -> str:
    """From where to where a part of the rows goes.

    >>> [_fifth(place, [1.0, 2.5]) for place in range(3)]
    ['to 1', 'to 2.5', 'above']
    """
    return f"to {bars.told(edges[place])}" if place < len(edges) else "above"
