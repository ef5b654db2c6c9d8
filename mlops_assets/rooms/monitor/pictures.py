"""The pictures of the monitor: a window beside its reference, and the windows in a row."""

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlops_assets.rooms.train.charts import png
from mlops_assets.rooms.train.metric import Metric

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from mlops_assets.rooms.train.metric import Floats

WINDOW = "#0f766e"
REFERENCE = "#9ca3af"
ALARM = "#b45309"
BINS = 40
SHOWN = 36
"""Windows in a row at most."""

DPI = 110
"""Sharp in a page, and small enough for an event."""

Rows = Sequence[Mapping[str, Any]]


def drift_picture(scores: "Floats", known: "Floats", rows: Rows) -> bytes:
    """The scores of window and reference, and the distance a window against its threshold; as PNG."""
    import numpy as np

    figure, (left, right) = panels(6.4, 2.6, 2, below=_longest(rows))
    both = np.concatenate([known, scores])
    least = both.min(initial=0)
    edges = np.linspace(least, max(both.max(initial=0), least + 1e-9), BINS + 1).tolist()
    left.hist(known, edges, density=True, color=REFERENCE, alpha=0.6, label="reference")
    left.hist(scores, edges, density=True, histtype="step", color=WINDOW, linewidth=1.5, label="window")
    left.legend(frameon=False, fontsize=8)
    _dress(left, "scores")
    _row(right, [{**row, "usual": 1.0} for row in rows], "ratio", "usual", worse=operator.gt)
    _dress(right, "worst figure over its threshold")
    return png(figure, dpi=DPI)


def performance_picture(scores: "Floats", labels: "Floats", rows: Rows, watched: Metric) -> bytes:
    """What was said against what happened, and the watched metric a window against its threshold; as PNG."""
    import numpy as np

    figure, (left, right) = panels(6.4, 2.6, 2, below=_longest(rows))
    parts = [part for part in np.array_split(np.argsort(scores, kind="stable"), 10) if len(part)]
    said, happened = [scores[part].mean() for part in parts], [labels[part].mean() for part in parts]
    low, top = min([*said, *happened, 0.0]), max([*said, *happened, 1e-9]) * 1.05
    left.plot([low, top], [low, top], ":", color="#d1d5db", linewidth=1)
    left.plot(said, happened, "o-", color=WINDOW, markersize=3, linewidth=1.2)
    left.set_xlabel("said", fontsize=8)
    left.set_ylabel("happened", fontsize=8)
    _dress(left, "calibration")
    _row(
        right, rows, watched.name, "watched_threshold", worse=operator.lt if watched.greater_is_better else operator.gt
    )
    _dress(right, f"{watched.name} of each window, and its threshold")
    return png(figure, dpi=DPI)


def panels(width: float, height: float, count: int, *, below: int) -> "tuple[Figure, list[Axes]]":
    """A figure of panels side by side, its margins reckoned by hand: letting matplotlib find them costs as much again.

    Args:
        width: of the figure, in inches.
        height: of the figure.
        count: of the panels.
        below: letters of the longest label below the axes, which stands aslant.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height))
    bottom, top, left, right, between = 0.22 + 0.035 * max(below, 5), 0.27, 0.5, 0.1, 0.5
    inside = (width - left - right - between * (count - 1)) / count
    axes = figure.subplots(1, count, squeeze=False)[0]
    figure.subplots_adjust(left / width, bottom / height, 1 - right / width, 1 - top / height, between / inside)
    return figure, list(axes)


def _longest(rows: Rows) -> int:
    return max((len(row["window"]) for row in rows[-SHOWN:]), default=0)


def _row(axes: "Axes", rows: Rows, figure: str, threshold: str, *, worse: Callable[[float, float], bool]) -> None:
    shown = rows[-SHOWN:]
    places = list(range(len(shown)))
    axes.plot(places, [row[threshold] for row in shown], "_", color=REFERENCE, markersize=9)
    axes.plot(places, [row[figure] for row in shown], "-", color=WINDOW, linewidth=1)
    colours = [ALARM if worse(row[figure], row[threshold]) else WINDOW for row in shown]
    axes.scatter(places, [row[figure] for row in shown], c=colours, s=16, zorder=3)
    step = max(1, -(-len(shown) // 6))
    axes.set_xticks(places[::step], [row["window"] for row in shown[::step]], rotation=30, ha="right")


def _dress(axes: "Axes", title: str) -> None:
    axes.set_title(title, fontsize=9, loc="left")
    axes.tick_params(labelsize=7)
    axes.spines[["top", "right"]].set_visible(False)
