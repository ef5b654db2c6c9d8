"""The pictures of a batch: when its rows happened, and which columns lack values."""

from collections.abc import Sequence
from datetime import timedelta
from io import BytesIO
from typing import TYPE_CHECKING, Final

from mlops_assets.stores import sql

if TYPE_CHECKING:
    from datetime import datetime

    import pyarrow as pa
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from mlops_assets.rooms.explore.profile import ColumnProfile

Counts = Sequence[tuple["datetime", int]]

INK: Final = "#0f766e"
SHOWN: Final = 12
"""Columns in the picture of missing values: those that lack most."""
FEW: Final = 6
"""Of them leave room free: a bar is no thicker than one of so many."""
LETTERS: Final = 24
"""Of a column's name in it."""
WIDTH: Final = 6.4
HEIGHT: Final = 2.4
_WIDTHS: Final = {"hour": timedelta(hours=1), "day": timedelta(days=1), "month": timedelta(days=28)}
_STEPS: Final = ((timedelta(days=3), "hour"), (timedelta(days=400), "day"), (timedelta.max, "month"))

# Every zone's clock is whole quarters of an hour from UTC, so few moments need to be told by it.
_COUNT: Final = """
with quarters as (
    select time_bucket(interval 15 minutes, {moment}) as quarter, count(*) as rows
    from batch where {moment} is not null group by 1
)
select date_trunc('{step}', timezone($zone, quarter)) as began, sum(rows)::bigint as rows
from quarters group by 1 order by 1
"""


def over_time(rows: "pa.Table", column: str, zone: str) -> tuple[str, Counts]:
    """How many rows happened in each hour, day or month, whichever suits their span, by the clock of a zone.

    Returns:
        The step's name, and each step that has rows with their number.
    """
    moment = f"cast({sql.identifier(column)} as timestamptz)"
    with sql.session() as connection:
        connection.register("batch", rows.select([column]))
        first, last = connection.execute(f"select min({moment}), max({moment}) from batch").fetchall()[0]
        if first is None:
            return "day", []
        step = next(name for longest, name in _STEPS if last - first <= longest)
        return step, connection.execute(_COUNT.format(moment=moment, step=step), {"zone": zone}).fetchall()


def overview(profiles: "Sequence[ColumnProfile]", step: str, counts: Counts, *, dpi: int = 110) -> bytes:
    """Rows over time, where there is a time, beside the columns that lack most, as PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, HEIGHT))
    begin = 0.0
    if counts:
        begin = WIDTH / 2
        _over_time(_panel(figure, 0.5, begin - 0.1), step, counts)
    names = max((_width(profile.column[:LETTERS]) for profile in _worst(profiles)), default=0.0)
    right = _panel(figure, begin + 0.2 + names, WIDTH - 0.15)
    _missing(right, profiles)
    picture = BytesIO()
    figure.savefig(picture, format="png", dpi=dpi)
    return picture.getvalue()


def _width(name: str) -> float:
    """Inches that a label takes, on the generous side.

    >>> round(_width("arr_delay"), 2)
    0.54
    """
    return sum(0.09 if letter.isupper() else 0.06 for letter in name)


def _panel(figure: "Figure", begin: float, end: float) -> "Axes":
    """Axes from here to there, in inches: finding their place costs matplotlib as much as drawing them."""
    return figure.add_axes((begin / WIDTH, 0.4 / HEIGHT, (end - begin) / WIDTH, 1 - 0.65 / HEIGHT))


def _over_time(axes: "Axes", step: str, counts: Counts) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    moments, numbers = zip(*counts, strict=True)
    axes.bar(moments, numbers, width=_WIDTHS[step] / timedelta(days=1), align="edge", color=INK, alpha=0.85)
    locator = AutoDateLocator(minticks=2, maxticks=6)  # type: ignore[no-untyped-call]  # matplotlib.dates is untyped
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]  # as above
    axes.xaxis.get_offset_text().set_fontsize(7)
    _dress(axes, f"rows by {step}")


def _missing(axes: "Axes", profiles: "Sequence[ColumnProfile]") -> None:
    worst = _worst(profiles)
    if worst:
        axes.barh([p.column[:LETTERS] for p in worst], [p.null_share for p in worst], color=INK, alpha=0.85)
        axes.set_ylim(max(len(worst), FEW) - 0.4, -0.6)
        axes.xaxis.set_major_formatter(lambda share, _: f"{share:.3%}".rstrip("0%").rstrip(".") + "%")
        axes.margins(x=0.02)
    else:
        axes.text(0.5, 0.5, "nothing is missing", ha="center", va="center", color="#6b7280", transform=axes.transAxes)
        axes.set_axis_off()
    _dress(axes, "missing values")


def _worst(profiles: "Sequence[ColumnProfile]") -> "list[ColumnProfile]":
    return sorted((p for p in profiles if p.nulls), key=lambda p: (-p.null_share, p.column))[:SHOWN]


def _dress(axes: "Axes", title: str) -> None:
    axes.set_title(title, fontsize=9, loc="left")
    axes.tick_params(labelsize=7)
    axes.spines[["top", "right"]].set_visible(False)
