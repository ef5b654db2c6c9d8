"""The pictures of an evaluation: how well the scores rank, and whether they mean what they say."""

from typing import TYPE_CHECKING, Final

from mlops_assets.rooms.train.charts import png

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from mlops_assets.rooms.evaluate.evidence import Evidence
    from mlops_assets.rooms.train.metrics import Floats

CHALLENGER: Final = "#0f766e"
INCUMBENT: Final = "#9ca3af"
POINTS: Final = 200
BINS: Final = 10


def curves(evidence: "Evidence", *, dpi: int = 80) -> bytes:
    """ROC curve and reliability of challenger and incumbent, as PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 2.9), layout="constrained")
    left, right = figure.subplots(1, 2)
    models = [(evidence.incumbent, INCUMBENT, evidence.incumbent_name)]
    models += [(evidence.challenger.scores, CHALLENGER, f"version {evidence.challenger.number}")]
    for scores, colour, name in models:
        left.plot(*_roc(evidence.labels, scores), color=colour, label=name, linewidth=1.6)
        right.plot(*_reliability(evidence.labels, scores), "o-", color=colour, markersize=3, linewidth=1.2)
    _dress(left, "ranking", "false alarms", "found")
    _dress(right, "calibration", "said", "happened")
    left.legend(frameon=False, fontsize=8, loc="lower right")
    return png(figure, dpi=dpi)


def _roc(labels: "Floats", scores: "Floats") -> "tuple[Floats, Floats]":
    import numpy as np

    order = np.argsort(-scores, kind="stable")
    last = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    found = np.append(0.0, np.cumsum(labels[order])[last] / labels.sum())
    alarms = np.append(0.0, np.cumsum(1 - labels[order])[last] / (1 - labels).sum())
    picked = np.unique(np.linspace(0, len(found) - 1, POINTS).astype(int))
    return alarms[picked], found[picked]


def _reliability(labels: "Floats", scores: "Floats") -> "tuple[Floats, Floats]":
    import numpy as np

    bins = np.array_split(np.argsort(scores, kind="stable"), BINS)
    return np.array([scores[rows].mean() for rows in bins]), np.array([labels[rows].mean() for rows in bins])


def _dress(axes: "Axes", title: str, across: str, up: str) -> None:
    axes.plot([0, 1], [0, 1], ":", color="#d1d5db", linewidth=1)
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.set_title(title, fontsize=10, loc="left")
    axes.set_xlabel(across, fontsize=8)
    axes.set_ylabel(up, fontsize=8)
    axes.tick_params(labelsize=7)
    axes.spines[["top", "right"]].set_visible(False)
