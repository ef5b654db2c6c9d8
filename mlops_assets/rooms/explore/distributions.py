"""How each column's values are spread, drawn from all rows as small vector pictures side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Final

from mlops_assets.rooms.explore.profile import ColumnProfile, is_number
from mlops_assets.stores import sql

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

BINS: Final = 24
"""Of equal width, between the quantiles that leave a hundredth of the values out on each side."""
BARS: Final = 12
"""Values of a column of few kinds: the most frequent."""
SAID: Final = (
    f"<p class=sub>Numbers from the 1st to the 99th percentile, in {BINS} bins of equal width; of a column of few "
    f"values the {BARS} most frequent, the most frequent first.</p>"
)
_WIDTH, _HEIGHT = 200, 70
_LETTERS: Final = 20


@dataclass(frozen=True)
class Spread:
    """Of one column.

    Attributes:
        column: its name.
        counts: rows in each bar, from left to right.
        first: what the leftmost bar stands for.
        last: what the rightmost bar stands for.
        ordered: whether the bars are bins of numbers; else they are values, the most frequent first.
    """

    column: str
    counts: tuple[int, ...]
    first: str
    last: str
    ordered: bool


def of_table(data: "pa.Table", profiles: Sequence[ColumnProfile]) -> list[Spread]:
    """The spread of every column that has one; a column of many texts has none.

    >>> import pyarrow as pa
    >>> from mlops_assets.rooms.explore import measure
    >>> data = pa.table({"engine": ["jet", "jet", "prop"]})
    >>> of_table(data, measure.of_table(data))
    [Spread(column='engine', counts=(2, 1), first='jet', last='prop', ordered=False)]
    """
    numeric = [p.column for p in profiles if is_number(p.type) and p.nulls < p.rows]
    with sql.session() as connection:
        connection.register("batch", data)
        binned = _binned(connection, numeric) if numeric else {}
    found = [binned.get(p.column) or _valued(p) for p in profiles]
    return [spread for spread in found if spread is not None]


def drawn(spreads: Sequence[Spread]) -> str:
    """All of them as one piece of HTML."""
    return f"{SAID}<div class=spreads>{''.join(map(_figure, spreads))}</div>" if spreads else "<p>None to draw.</p>"


def _binned(connection: "duckdb.DuckDBPyConnection", names: Sequence[str]) -> dict[str, Spread]:
    ends = [f"quantile_cont(try_cast({sql.identifier(n)} as double), [0.01, 0.99])" for n in names]
    limits = dict(zip(names, connection.execute(f"select {', '.join(ends)} from batch").fetchall()[0], strict=True))
    counted = connection.execute(f"select {', '.join(_bin(n, *limits[n]) for n in names)} from batch").fetchall()[0]
    return {n: _numbers(n, limits[n], bins) for n, bins in zip(names, counted, strict=True)}


def _bin(name: str, low: float, high: float) -> str:
    width = (high - low) / BINS or 1.0
    number = f"try_cast({sql.identifier(name)} as double)"
    place = f"least(floor(({number} - {low!r}) / {width!r}), {BINS - 1})::integer"
    return f"histogram({place}) filter ({number} between {low!r} and {high!r})"


def _numbers(name: str, limits: Sequence[float], bins: Mapping[int, int] | None) -> Spread:
    counts = tuple((bins or {}).get(place, 0) for place in range(BINS))
    return Spread(name, counts, _told(limits[0]), _told(limits[1]), ordered=True)


def _told(number: float) -> str:
    """Whole from a thousand on, four digits below that and where there is no room.

    >>> _told(17.2617), _told(1032.35), _told(1234567.0), _told(2e12)
    ('17.26', '1032', '1234567', '2e+12')
    """
    return f"{number:.0f}" if 1e3 <= abs(number) < 1e9 else f"{number:.4g}"  # noqa: PLR2004 - as said


def _valued(profile: ColumnProfile) -> Spread | None:
    if not profile.values:
        return None
    most = list(profile.values.items())[:BARS]
    return Spread(profile.column, tuple(n for _, n in most), str(most[0][0]), str(most[-1][0]), ordered=False)


def _figure(spread: Spread) -> str:
    step, top = _WIDTH / len(spread.counts), max(spread.counts) or 1
    bars = "".join(
        f"<rect x='{place * step:.1f}' y='{_HEIGHT * (1 - count / top):.1f}' width='{max(step - 1, 1):.1f}'"
        f" height='{_HEIGHT * count / top:.1f}'><title>{count:,} rows</title></rect>"
        for place, count in enumerate(spread.counts)
    )
    kind = "numbers" if spread.ordered else "values"
    picture = f"<svg class={kind} viewBox='0 0 {_WIDTH} {_HEIGHT}' preserveAspectRatio='none'>{bars}</svg>"
    ends = "".join(f"<span>{escape(_cut(end))}</span>" for end in dict.fromkeys((spread.first, spread.last)))
    return f"<figure><figcaption>{escape(spread.column)}</figcaption>{picture}<div>{ends}</div></figure>"


def _cut(text: str) -> str:
    """As much of a text as there is room for; dots say that there is more.

    >>> _cut("Fixed wing multi engine")
    'Fixed wing multi en…'
    """
    return text if len(text) <= _LETTERS else f"{text[: _LETTERS - 1]}…"
