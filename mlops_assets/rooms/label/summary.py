"""What a batch of labels looks like: how many of each status, and what they say."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from io import BytesIO
from typing import TYPE_CHECKING, Any

from mlops_assets.rooms.label.task import Task
from mlops_assets.rooms.label.truth import NO_OUTCOME
from mlops_assets.spec.model import Target
from mlops_assets.stores.labels import LABELLED

if TYPE_CHECKING:
    import pyarrow as pa

_SHOWN = 10
"""Strange labels that are named."""


@dataclass(frozen=True)
class Summary:
    """A batch of labels in numbers.

    Attributes:
        rows: of the batch.
        counts: rows of each status; every declared reason is named, also when nothing was excluded for it.
        said: what the labels say, in a number or two; empty when there are none.
        strangers: labels that are none of the task's.
    """

    rows: int
    counts: Mapping[str, int]
    said: Mapping[str, float]
    strangers: tuple[Any, ...]

    @property
    def share(self) -> float:
        """The share of rows that have a label; 1 where there are no rows."""
        return self.counts[LABELLED] / self.rows if self.rows else 1.0

    def figures(self) -> dict[str, float | int | bool | None]:
        """The numbers that are plotted over time."""
        return {**self.counts, "labelled_share": self.share, **self.said}


def summarize(rows: "pa.Table", target: Target, task: Task) -> Summary:
    """Count a batch of labels."""
    import pyarrow.compute as pc

    counts = dict.fromkeys((LABELLED, *target.excluded, NO_OUTCOME), 0)
    counts |= {found["values"]: found["counts"] for found in pc.value_counts(rows["status"]).to_pylist()}
    labels = rows["label"].drop_null()
    said = task.figures(task.outcomes(labels))
    return Summary(rows.num_rows, counts, said, tuple(task.strangers(labels)[:_SHOWN]))


def by_day(rows: "pa.Table", task: Task) -> dict[date, float]:
    """The mean outcome of each day, in UTC, that has labels; empty when rows have no event time, or labels no mean."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if task.classes:
        return {}
    known = rows.filter(pc.and_(pc.is_valid(rows["label"]), pc.is_valid(rows["event_time"])))
    days = pa.table(
        {"day": pc.cast(pc.floor_temporal(known["event_time"], unit="day"), pa.date32()), "label": known["label"]}
    )
    rates = days.group_by("day").aggregate([("label", "mean")]).sort_by("day").to_pylist()
    return {row["day"]: row["label_mean"] for row in rates}


def picture(days: Mapping[date, float]) -> bytes:
    """The mean outcome by day as a small PNG."""
    import numpy as np
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4, 2.2), dpi=80)
    axes = figure.add_axes((0.17, 0.27, 0.75, 0.69))
    axes.plot(np.array(list(days), "datetime64[D]"), list(days.values()), marker=".", linewidth=1)
    axes.set_ylim(bottom=min(0, *days.values()))
    axes.set_ylabel("mean label")
    axes.tick_params(axis="x", labelrotation=30, labelsize=7)
    axes.grid(visible=True, alpha=0.3)
    png = BytesIO()
    figure.savefig(png, format="png")
    return png.getvalue()
