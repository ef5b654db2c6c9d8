"""The picture of a leaderboard: how far each candidate gets, and which one was chosen."""

from io import BytesIO
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from mlops_assets.rooms.train.select import Leaderboard

CHOSEN: Final = "#0f766e"
OTHER: Final = "#cbd5d1"
ROOM: Final = 1.25


def bars(board: "Leaderboard") -> bytes:
    """A bar a candidate, from simple at the top to complex, as PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4, 0.6 + 0.4 * len(board.entries)), layout="constrained")
    axes = figure.subplots()
    names = [entry.candidate.replace("_", " ") for entry in board.entries]
    figures = [entry.objective for entry in board.entries]
    colours = [CHOSEN if entry.candidate == board.chosen else OTHER for entry in board.entries]
    axes.bar_label(axes.barh(names, figures, color=colours, height=0.6), fmt="%.4f", fontsize=8, padding=3)
    axes.invert_yaxis()
    axes.set_xlim(0, max(figures) * ROOM or 1)
    axes.set_title(f"{board.objective.replace('_', ' ')}, out of fold", fontsize=9, loc="left")
    axes.tick_params(labelsize=8, length=0)
    axes.set_xticks([])
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    return png(figure)


def png(figure: "Figure", *, dpi: int = 80) -> bytes:
    """A figure's bytes, the same for the same figure."""
    target = BytesIO()
    figure.savefig(target, format="png", dpi=dpi, metadata={"Software": None})
    return target.getvalue()
