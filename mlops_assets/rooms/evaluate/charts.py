"""The pictures of an evaluation: how well the scores tell outcomes apart, and whether they mean what they say."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from mlops_assets.rooms.train.charts import png
from mlops_assets.rooms.train.metrics import said_and_happened
from mlops_assets.spec.model import TaskName

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from mlops_assets.rooms.evaluate.evidence import Evidence
    from mlops_assets.rooms.train.metric import Floats

CHALLENGER: Final = "#0f766e"
INCUMBENT: Final = "#9ca3af"
FAINT: Final = "#d1d5db"
POINTS: Final = 200
DOTS: Final = 2_000
WRITTEN: Final = 6
"""Classes up to which counts are written into the picture."""
BINS: Final = 10


def curves(evidence: "Evidence", *, dpi: int = 80) -> bytes:
    """How well challenger and incumbent tell outcomes apart, and whether what they say happens; as PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 2.9), layout="constrained")
    left, right = figure.subplots(1, 2)
    DRAWN[evidence.task.name](left, evidence)
    models = [(evidence.incumbent, INCUMBENT), (evidence.challenger.scores, CHALLENGER)]
    drawn = [_reliability(*said_and_happened(evidence.labels, scores)) for scores, _ in models]
    for (said, happened), (_, colour) in zip(drawn, models, strict=True):
        right.plot(said, happened, "o-", color=colour, markersize=3, linewidth=1.2)
    low, high = _limits(drawn, evidence.task.name == "regression")
    right.plot([low, high], [low, high], ":", color=FAINT, linewidth=1)
    right.set(xlim=(low, high), ylim=(low, high))
    _dress(right, "calibration", "said", "happened")
    return png(figure, dpi=dpi)


def _draw_roc(axes: "Axes", evidence: "Evidence") -> None:
    models = [(evidence.incumbent, INCUMBENT, evidence.incumbent_name)]
    models += [(evidence.challenger.scores, CHALLENGER, f"version {evidence.challenger.number}")]
    for scores, colour, name in models:
        axes.plot(*_roc(evidence.labels, scores), color=colour, label=name, linewidth=1.6)
    axes.plot([0, 1], [0, 1], ":", color=FAINT, linewidth=1)
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.legend(frameon=False, fontsize=8, loc="lower right")
    _dress(axes, "ranking", "false alarms", "found")


def _draw_confusion(axes: "Axes", evidence: "Evidence") -> None:
    """The share of each class's rows that is answered with each class."""
    import numpy as np

    classes = evidence.task.classes
    count = len(classes)
    pairs = evidence.labels.astype(np.int64) * count + evidence.challenger.scores.argmax(axis=1)
    table = np.bincount(pairs, minlength=count * count).reshape(count, count)
    axes.imshow(table / np.maximum(1, table.sum(axis=1, keepdims=True)), cmap="GnBu", vmin=0, vmax=1)
    for truth, answer in np.argwhere(table > 0) if count <= WRITTEN else ():
        axes.text(answer, truth, f"{table[truth, answer]}", ha="center", va="center", fontsize=7)
    axes.set_xticks(range(count), classes, rotation=45, ha="right")
    axes.set_yticks(range(count), classes)
    _dress(axes, f"answers of version {evidence.challenger.number}", "answered", "was")


def _draw_values(axes: "Axes", evidence: "Evidence") -> None:
    import numpy as np

    picked = np.linspace(0, len(evidence.labels) - 1, min(DOTS, len(evidence.labels))).astype(int)
    said, was = evidence.challenger.scores[picked], evidence.labels[picked]
    low, high = np.quantile(np.concatenate([said, was]), [0.005, 0.995])
    axes.plot([low, high], [low, high], ":", color=FAINT, linewidth=1)
    axes.scatter(said, was, s=3, alpha=0.4, color=CHALLENGER, linewidths=0)
    axes.set(xlim=(low, high), ylim=(low, high))
    _dress(axes, f"answers of version {evidence.challenger.number}", "answered", "was")


DRAWN: Final[Mapping[TaskName, Callable[["Axes", "Evidence"], None]]] = {
    "binary": _draw_roc,
    "multiclass": _draw_confusion,
    "regression": _draw_values,
}


def _limits(drawn: "list[tuple[Floats, Floats]]", free: bool) -> tuple[float, float]:
    """From 0 to 1 for shares; as wide as the values otherwise."""
    import numpy as np

    every = np.concatenate([side for pair in drawn for side in pair])
    return (float(every.min()), float(every.max())) if free else (0.0, 1.0)


def _roc(labels: "Floats", scores: "Floats") -> "tuple[Floats, Floats]":
    import numpy as np

    order = np.argsort(-scores, kind="stable")
    last = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    found = np.append(0.0, np.cumsum(labels[order])[last] / labels.sum())
    alarms = np.append(0.0, np.cumsum(1 - labels[order])[last] / (1 - labels).sum())
    picked = np.unique(np.linspace(0, len(found) - 1, POINTS).astype(int))
    return alarms[picked], found[picked]


def _reliability(said: "Floats", happened: "Floats") -> "tuple[Floats, Floats]":
    import numpy as np

    bins = np.array_split(np.argsort(said, kind="stable"), BINS)
    return np.array([said[rows].mean() for rows in bins]), np.array([happened[rows].mean() for rows in bins])


def _dress(axes: "Axes", title: str, across: str, up: str) -> None:
    axes.set_title(title, fontsize=10, loc="left")
    axes.set_xlabel(across, fontsize=8)
    axes.set_ylabel(up, fontsize=8)
    axes.tick_params(labelsize=7)
    axes.spines[["top", "right"]].set_visible(False)
