"""Whether a model is as good in each week of the held-out time as over all of it."""

from typing import TYPE_CHECKING, Any, Final

from mlops_assets.rooms.train.charts import png

if TYPE_CHECKING:
    from mlops_assets.rooms.evaluate.evidence import Evidence

DAYS: Final = 7
ENOUGH: Final = 100


def weeks(evidence: "Evidence") -> list[dict[str, Any]]:
    """A row a week of at least 100 rows: `week`, `n`, `challenger`, `incumbent`; none without an event time."""
    import numpy as np

    times = evidence.holdout.times
    if times is None:
        return []
    days = times.astype("datetime64[D]")
    number = (days - days.min()).astype(np.int64) // DAYS
    found = []
    for week in np.unique(number):
        rows = number == week
        if rows.sum() >= ENOUGH and not evidence.task.undecided(evidence.labels[rows]):
            found.append({"week": str(days.min() + week * DAYS), "n": int(rows.sum()), **_figures(evidence, rows)})
    return found


def _figures(evidence: "Evidence", rows: Any) -> dict[str, float]:
    pairs = {"challenger": evidence.challenger.scores, "incumbent": evidence.incumbent}
    return {name: evidence.objective(evidence.labels[rows], scores[rows]) for name, scores in pairs.items()}


def picture(evidence: "Evidence", found: list[dict[str, Any]], *, dpi: int = 130) -> bytes:
    """The objective a week, of challenger and incumbent, as PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 2.0), layout="constrained")
    axes = figure.subplots()
    names = [row["week"] for row in found]
    axes.plot(names, [row["incumbent"] for row in found], "o-", color="#9ca3af", label=evidence.incumbent_name)
    axes.plot(names, [row["challenger"] for row in found], "o-", color="#0f766e", label="challenger")
    axes.legend(frameon=False, fontsize=8)
    axes.set_title(f"{evidence.objective.name} a week", fontsize=9, loc="left")
    axes.tick_params(labelsize=7)
    axes.spines[["top", "right"]].set_visible(False)
    return png(figure, dpi=dpi)
