"""The standard pictures of a whole dataset: missing values and target over time, by category, correlations, groups."""

from base64 import b64encode
from collections.abc import Sequence
from html import escape
from io import BytesIO
from typing import TYPE_CHECKING, Final

from mlops_assets.rooms.explore import bars
from mlops_assets.rooms.explore.heat import heat
from mlops_assets.rooms.explore.profile import ColumnProfile
from mlops_assets.stores import sql

if TYPE_CHECKING:
    from datetime import datetime

    import duckdb
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from mlops_assets.rooms.explore.groups import GroupFigure

INK, AMBER = bars.INK, bars.AMBER
LACKING: Final = 20
"""Columns of the picture of missing values."""


def missing_over_time(
    connection: "duckdb.DuckDBPyConnection", profiles: Sequence[ColumnProfile], moment: str, step: str
) -> str:
    """The null share of each column that lacks values, period by period."""
    names = [p.column for p in sorted(profiles, key=lambda p: -p.null_share) if p.nulls][:LACKING]
    if not names:
        return "<p>No value is missing anywhere.</p>"
    shares = ", ".join(f"avg(({sql.identifier(name)} is null)::integer)" for name in names)
    rows = connection.execute(
        f"select date_trunc('{step}', {moment}), {shares} from batch where {moment} is not null group by 1 order by 1"
    ).fetchall()
    values = [[row[place + 1] for row in rows] for place in range(len(names))]
    most = max(0.01, *(share for each in values for share in each))
    return heat(
        f"missing values by {step}: the share of rows",
        [bars.cut(name, 28) for name in names],
        values,
        colours="YlOrBr",
        ends=(0.0, most),
        below=[f"{moment:%Y-%m-%d}" for moment in _some([row[0] for row in rows])],
    )


def target_over_time(connection: "duckdb.DuckDBPyConnection", target: str, moment: str, step: str) -> str:
    """The mean of the target in each period, over how many rows have one."""
    import numpy as np

    rows = connection.execute(
        f"""select date_trunc('{step}', {moment}), avg(y), count(y) from
        (select *, cast(({target}\n) as double) as y from batch) where {moment} is not null group by 1 order by 1"""
    ).fetchall()
    known = [row for row in rows if row[2]]
    if not known:
        return "<p>No target is known.</p>"
    figure = _figure(2.6)
    axes = figure.subplots(gridspec_kw={"left": 0.055, "right": 0.93, "bottom": 0.11, "top": 0.87})
    other = axes.twinx()
    other.bar([row[0] for row in known], [row[2] for row in known], color="#e5e7eb", width=_width(step))
    other.tick_params(labelsize=7, colors="#9ca3af")
    other.set_ylabel("rows", fontsize=7, color="#9ca3af")
    axes.plot([row[0] for row in known], [row[1] for row in known], color=INK, lw=1.4)
    moments = _some([row[0] for row in known])
    axes.set_xticks(np.array(moments, "datetime64[us]"), [f"{moment:%Y-%m-%d}" for moment in moments])
    axes.set_zorder(other.get_zorder() + 1)
    axes.patch.set_visible(False)
    other.spines[["top", "left"]].set_visible(False)
    return _png(figure, axes, f"target by {step}: mean of {' '.join(target.split())[:60]}")


def correlation_matrix(names: Sequence[str], matrix: Sequence[Sequence[float | None]]) -> str:
    """Pearson's correlations as a picture."""
    if not matrix:
        return "<p>Fewer than two numbers vary.</p>"
    short = [bars.cut(name, 18) for name in names]
    title = "correlation of numbers (Pearson)"
    return heat(title, short, matrix, colours="RdBu_r", ends=(-1.0, 1.0), below=short, square=True)


def groups(found: "Sequence[GroupFigure]") -> str:
    """Share and target rate of each value of each group, with the interval and the expected share."""
    names = list(dict.fromkeys(each.group for each in found))
    rows = {name: [each for each in found if each.group == name][:15] for name in names}
    if not names:
        return ""
    heights = [len(rows[name]) + 2 for name in names]
    high = max(1.6, sum(heights) * 0.2 + 0.35 * len(names))
    figure = _figure(high)
    room = {"left": 0.13, "right": 0.985, "wspace": 0.35, "bottom": 0.3 / high, "top": 1 - 0.3 / high}
    between = 0.65 * len(names) / (high - 0.6 - 0.65 * (len(names) - 1)) if len(names) > 1 else 0
    shape = {**room, "hspace": between, "height_ratios": heights}
    panels = figure.subplots(len(names), 2, squeeze=False, gridspec_kw=shape)
    for (left, right), name in zip(panels, names, strict=True):
        labels = [bars.cut(bars.label(each.value), 18) for each in rows[name]]
        left.barh(labels, [each.share for each in rows[name]], color=INK, alpha=0.85)
        for place, each in enumerate(rows[name]):
            if each.expected is not None:
                left.plot([each.expected] * 2, [place - 0.4, place + 0.4], color=AMBER, lw=2)
        _rates(right, rows[name])
        right.set_yticks(range(len(labels)), labels)
        left.xaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
        for axes, title in ((left, f"{name}: share of rows"), (right, f"{name}: mean of the target")):
            axes.set_ylim(len(labels) - 0.4, -0.6)
            _dress(axes, title)
    return _image(figure, "representativeness and target by group")


def _rates(axes: "Axes", found: "Sequence[GroupFigure]") -> None:
    """The mean of the target a value; of a rate its 95 % interval too."""
    for place, each in enumerate(found):
        if each.rate is not None:
            axes.plot(each.rate, place, "o", color=AMBER, ms=4)
        if each.low is not None and each.high is not None:
            axes.plot([each.low, each.high], [place, place], color=AMBER, lw=1.4)
            axes.xaxis.set_major_formatter(lambda share, _: f"{share:.0%}")


def _figure(height: float) -> "Figure":
    from matplotlib.figure import Figure

    return Figure(figsize=(9.6, max(height, 1.6)))


def _some(moments: "Sequence[datetime]") -> "list[datetime]":
    """Seven of them at most, evenly spread from the first to the last."""
    return [moments[place] for place in sorted({round(part * (len(moments) - 1) / 6) for part in range(7)})]


def _width(step: str) -> float:
    return {"hour": 1 / 24, "day": 1.0, "month": 28.0}[step]


def _dress(axes: object, title: str) -> None:
    axes.set_title(title, fontsize=9, loc="left")  # type: ignore[attr-defined]  # matplotlib's Axes
    axes.tick_params(labelsize=7)  # type: ignore[attr-defined]  # as above
    axes.spines[["top", "right"]].set_visible(False)  # type: ignore[attr-defined]  # as above


def _png(figure: "Figure", axes: object, title: str) -> str:
    _dress(axes, title)
    return _image(figure, title)


def _image(figure: "Figure", title: str) -> str:
    picture = BytesIO()
    figure.savefig(picture, format="png", dpi=110)
    return f"<img alt='{escape(title)}' src='data:image/png;base64,{b64encode(picture.getvalue()).decode()}'>"
