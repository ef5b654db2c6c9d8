"""How each column's values are spread, drawn from all rows as small pictures side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from mlops_assets.rooms.explore import bars
from mlops_assets.rooms.explore.profile import ColumnProfile, is_number, is_time
from mlops_assets.stores import sql

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

BINS: Final = 24
"""Of equal width, between the quantiles that leave a hundredth of the values out on each side."""
BARS: Final = 5
"""Values that are named: all where a column has no more, else the most frequent."""
SAID: Final = (
    f"<p class=sub>Numbers and times from the 1st to the 99th percentile, in {BINS} bins of equal width; where there "
    f"are few values, the {BARS} most frequent. Names of their own for nearly every row have no picture.</p>"
)
_WIDTH, _HEIGHT = 200, 70


@dataclass(frozen=True)
class Spread:
    """Of one column.

    Attributes:
        column: its name.
        counts: rows in each bar: bins from left to right, or values.
        names: of numbers and times, of the first and the last bin; else of each value.
        binned: whether the bars are bins; else they are values.
        rest: values that have no bar.
        rows: that have a value.
    """

    column: str
    counts: tuple[int, ...]
    names: tuple[str, ...]
    binned: bool
    rest: int = 0
    rows: int = 0


def of_table(data: "pa.Table", profiles: Sequence[ColumnProfile]) -> list[Spread]:
    """The spread of every column that has one; a column of many texts has none.

    >>> import pyarrow as pa
    >>> from mlops_assets.rooms.explore import measure
    >>> data = pa.table({"engine": ["jet", "jet", "prop"]})
    >>> of_table(data, measure.of_table(data))
    [Spread(column='engine', counts=(2, 1), names=('jet', 'prop'), binned=False, rest=0, rows=3)]
    """
    few = {p.column: _valued(p) for p in profiles if p.values and (not is_number(p.type) or len(p.values) <= BARS)}
    wide = [p for p in profiles if p.column not in few and p.nulls < p.rows and (is_number(p.type) or is_time(p.type))]
    with sql.session() as connection:
        connection.register("batch", data)
        binned = _binned(connection, wide) if wide else {}
    found = [few.get(p.column) or binned.get(p.column) for p in profiles]
    return [spread for spread in found if spread is not None]


def drawn(spreads: Sequence[Spread]) -> str:
    """All of them as one piece of HTML."""
    return f"{SAID}<div class=spreads>{''.join(map(_figure, spreads))}</div>" if spreads else "<p>None to draw.</p>"


def _binned(connection: "duckdb.DuckDBPyConnection", profiles: Sequence[ColumnProfile]) -> dict[str, Spread]:
    numbers = {p.column: _number(p) for p in profiles}
    asked = [f"quantile_cont({x}, [0.01, 0.99]), min({x}), max({x})" for x in numbers.values()]
    ends = connection.execute(f"select {', '.join(asked)} from batch").fetchall()[0]
    limits = {p.column: _limits(*ends[3 * place : 3 * place + 3]) for place, p in enumerate(profiles)}
    bins = ", ".join(_bin(x, *limits[name]) for name, x in numbers.items())
    counted = connection.execute(f"select {bins} from batch").fetchall()[0]
    return {p.column: _bars(p, limits[p.column], found) for p, found in zip(profiles, counted, strict=True)}


def _number(profile: ColumnProfile) -> str:
    """SQL of a column as a finite number: of a time, the seconds since 1970."""
    name = sql.identifier(profile.column)
    number = f"epoch({name})" if is_time(profile.type) else f"try_cast({name} as double)"
    return f"case when isfinite({number}) then {number} end"


def _limits(inner: Sequence[float] | None, lowest: float | None, highest: float | None) -> tuple[float, float]:
    """Where bins begin and end: at the percentiles, unless nearly all values are the same; 0 where none is finite."""
    if inner is None or lowest is None or highest is None:
        return 0.0, 0.0
    return (lowest, highest) if inner[0] == inner[1] else (inner[0], inner[1])


def _bin(number: str, low: float, high: float) -> str:
    width = (high / BINS - low / BINS) or 1.0
    place = f"least(floor(({number} - {low!r}) / {width!r}), {BINS - 1})::integer"
    return f"histogram({place}) filter ({number} between {low!r} and {high!r})"


def _bars(profile: ColumnProfile, limits: tuple[float, float], bins: Mapping[int, int] | None) -> Spread:
    low, high = limits
    counts, rows = tuple((bins or {}).get(place, 0) for place in range(BINS)), profile.rows - profile.nulls
    names = _moments(low, high) if is_time(profile.type) else (bars.told(low), bars.told(high))
    if low == high:
        return Spread(profile.column, (rows,), names[:1], binned=False, rows=rows)
    return Spread(profile.column, counts, names, binned=True, rows=rows)


def _moments(low: float, high: float) -> tuple[str, str]:
    """A day each, and the hour where there are only a few days between."""
    form = "%Y-%m-%d" if high - low > timedelta(days=3).total_seconds() else "%Y-%m-%d %H:%M"
    first, last = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=end) for end in (low, high))
    return first.strftime(form), last.strftime(form)


def _valued(profile: ColumnProfile) -> Spread:
    values = list((profile.values or {}).items())
    most = values[:BARS]
    if is_number(profile.type):
        most.sort(key=lambda item: float(item[0]))
    names, counts = tuple(str(name) for name, _ in most), tuple(count for _, count in most)
    rows = profile.rows - profile.nulls
    return Spread(profile.column, counts, names, binned=False, rest=len(values) - len(most), rows=rows)


def _figure(spread: Spread) -> str:
    if not spread.binned:
        return _values(spread)
    step, top = _WIDTH / len(spread.counts), max(spread.counts) or 1
    drawn = "".join(
        f"<rect x='{place * step:.1f}' y='{_HEIGHT * (1 - count / top):.1f}' width='{max(step - 1, 1):.1f}'"
        f" height='{_HEIGHT * count / top:.1f}'><title>{count:,} rows</title></rect>"
        for place, count in enumerate(spread.counts)
    )
    picture = f"<svg viewBox='0 0 {_WIDTH} {_HEIGHT}' preserveAspectRatio='none'>{drawn}</svg>"
    ends = "".join(f"<span>{end}</span>" for end in spread.names)
    return f"<figure>{bars.captioned(spread.column)}{picture}<div class=ends>{ends}</div></figure>"


def _values(spread: Spread) -> str:
    top, rows = max(spread.counts), spread.rows or 1
    named = [
        bars.Bar(bars.label(name), (count / top,), _share(count, rows), f"{count:,} rows", bars.AMBER)
        for name, count in zip(spread.names, spread.counts, strict=True)
    ]
    more = rows - sum(spread.counts)
    rest = [bars.Bar(f"{spread.rest} more", (), _share(more, rows), f"{more:,} rows")] if spread.rest else []
    return bars.figure(spread.column, [*named, *rest])


def _share(count: int, rows: int) -> str:
    """A part of the rows, which is never nothing where there is one.

    >>> _share(1, 3), _share(1, 3322)
    ('33%', '<1%')
    """
    return f"{count / rows:.0%}" if count / rows >= 0.005 else "<1%"  # noqa: PLR2004 - what rounds to 1 %
