"""How good a window's answers were, by the labels that have matured, and whether that is worse than it should be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mlops_assets.rooms.monitor.calibration import Floats, Weights, null
from mlops_assets.rooms.monitor.chunks import MIN_ROWS, Chunks, thin
from mlops_assets.rooms.monitor.drift import uncalibrated
from mlops_assets.rooms.monitor.reference import chunks_of
from mlops_assets.rooms.train.bootstrap import Bootstrap, day_blocks
from mlops_assets.rooms.train.metric import Metric, mean
from mlops_assets.rooms.train.metrics import METRICS, said_and_happened
from mlops_assets.spec.model import TaskName

if TYPE_CHECKING:
    import pyarrow as pa

    from mlops_assets.rooms.label.task import Task
    from mlops_assets.rooms.monitor.reference import Reference

NAN = float("nan")
MEASURED: Mapping[TaskName, tuple[str, ...]] = {
    "binary": ("roc_auc", "brier", "brier_skill", "log_loss", "calibration_gap"),
    "multiclass": ("accuracy", "macro_f1", "brier", "brier_skill", "log_loss", "calibration_gap"),
    "regression": ("mae", "rmse", "r2", "calibration_gap"),
}
Bounds = tuple[float, float]


@dataclass(frozen=True)
class PerformanceFigures:
    """What the matured labels of a window show.

    Attributes:
        predicted: answers given.
        matured: of them, those whose label is known by the cut-off.
        watched: the metric that may alarm.
        measured: the metrics of the report.
        base_rate: what happened on average: the window's own rate or mean.
        mean_score: of the matured rows: what was said on average.
        figures: metric to figure; empty when there are too few rows, or outcomes that do not differ.
        intervals: metric to its bounds, over days; without those of too few days, or undefined in many resamples.
        watched_threshold: what a window without change is no worse than, at half of the rate; NaN: not calibrated.
        gap_threshold: what it exceeds, at half of the rate.
        false_alarm_rate: stated a window, over both alarms together.
        days: of the matured rows.
        why_not: why there is no judgement; empty when there is one.
    """

    predicted: int
    matured: int
    watched: Metric
    measured: tuple[str, ...]
    base_rate: float
    mean_score: float
    figures: Mapping[str, float]
    intervals: Mapping[str, Bounds]
    watched_threshold: float
    gap_threshold: float
    false_alarm_rate: float
    days: int
    why_not: str = ""

    @property
    def coverage(self) -> float:
        """The share of answers whose label is known."""
        return self.matured / self.predicted if self.predicted else NAN

    @property
    def watched_alarm(self) -> bool:
        """It answers worse than it should in a window."""
        figure = self.figures.get(self.watched.name, NAN)
        return figure < self.watched_threshold if self.watched.greater_is_better else figure > self.watched_threshold

    @property
    def gap_alarm(self) -> bool:
        """What it says is on average further from what happens than it should be in a window."""
        return self.figures.get("calibration_gap", NAN) > self.gap_threshold

    @property
    def alarm(self) -> bool:
        """Either; never without a threshold."""
        return self.watched_alarm or self.gap_alarm

    def row(self) -> dict[str, Any]:
        """The figures as the history keeps them."""
        gap = self.gap_alarm and not self.watched_alarm
        name = "calibration_gap" if gap else self.watched.name
        bounds = {metric: self.intervals.get(metric, (NAN, NAN)) for metric in self.measured}
        return {
            "figure_name": name,
            "figure": self.figures.get(name, NAN),
            "threshold": self.gap_threshold if gap else self.watched_threshold,
            "alarm": self.alarm,
            "false_alarm_rate": self.false_alarm_rate,
            "days": self.days,
            "predicted": self.predicted,
            "matured": self.matured,
            "coverage": self.coverage,
            "base_rate": self.base_rate,
            "mean_score": self.mean_score,
            **{m: self.figures.get(m, NAN) for m in self.measured},
            **{f"{m}_low": low for m, (low, _) in bounds.items()},
            **{f"{m}_high": high for m, (_, high) in bounds.items()},
            "watched": self.watched.name,
            "watched_threshold": self.watched_threshold,
            "gap_threshold": self.gap_threshold,
        }


def performance(
    matured: "pa.Table", predicted: int, reference: "Reference", *, false_alarm_rate: float = 0.05, seed: int = 0
) -> PerformanceFigures:
    """Judge the answers of a window whose labels are known.

    The thresholds are predictive bounds over the reference's blocks of time, as those of drift are; each alarm gets
    half of the rate (Bonferroni). Where the window has more rows a day than the reference, they are on the cautious
    side.

    Args:
        matured: `event_time`, `score` and `label`, a row an answer whose label is known by the cut-off.
        predicted: the answers that were given in the window.
        reference: of the model that answered.
        false_alarm_rate: the share of windows without change in which an alarm may ring.
        seed: of all that is drawn.
    """
    task, watched, chunks = reference.task, reference.watched, chunks_of(matured)
    scores, labels = task.read(matured), task.outcomes(matured["label"])
    said, happened = said_and_happened(labels, scores)
    unjudged = _unjudged(chunks, labels, task)
    why_not = unjudged or uncalibrated(chunks, reference.chunks)
    measured = () if unjudged else measured_of(task, watched)
    least, gap = (NAN, NAN) if why_not else _thresholds(reference, chunks, false_alarm_rate / 2, seed)
    return PerformanceFigures(
        predicted=predicted,
        matured=len(labels),
        watched=watched,
        measured=measured_of(task, watched),
        base_rate=float(happened.mean()) if len(labels) else NAN,
        mean_score=float(said.mean()) if len(labels) else NAN,
        figures={name: METRICS[name](labels, scores) for name in measured},
        intervals=_intervals(matured, labels, scores, measured, seed),
        watched_threshold=least,
        gap_threshold=gap,
        false_alarm_rate=false_alarm_rate,
        days=chunks.count,
        why_not=why_not,
    )


def measured_of(task: "Task", watched: Metric) -> tuple[str, ...]:
    """The metrics of a report."""
    return tuple(dict.fromkeys((watched.name, *MEASURED[task.name])))


def _unjudged(chunks: Chunks, labels: Floats, task: "Task") -> str:
    if chunks.count == 0:
        return f"{len(labels)} matured labels, of at least {MIN_ROWS}"
    why = task.undecided(labels)
    return f"matured labels of {why}" if why else ""


def _thresholds(reference: "Reference", window: Chunks, rate: float, seed: int) -> Bounds:
    size = max(MIN_ROWS, int(np.median(window.sizes())))
    kept = thin(reference.chunks, size, seed=seed)
    task, chunks = reference.task, replace(reference.chunks, codes=reference.chunks.codes[kept])
    labels, scores = task.outcomes(reference.rows["label"])[kept], task.read(reference.rows)[kept]
    said, happened = said_and_happened(labels, scores)

    def gap(weights: Weights) -> Floats:
        return mean(said - happened, chunks.codes, weights)

    def watched(weights: Weights) -> Floats:
        return reference.watched.resampled(labels, scores, chunks.codes, weights)

    calm = null(watched, chunks, window.count, seed=seed)
    least = calm.below(rate) if reference.watched.greater_is_better else calm.above(rate)
    return least, null(gap, chunks, window.count, seed=seed).apart(rate)


def _intervals(
    matured: "pa.Table", labels: Floats, scores: Floats, measured: Sequence[str], seed: int
) -> Mapping[str, Bounds]:
    times = matured.column("event_time")
    known = None if times.null_count else times.to_numpy().astype("datetime64[us]")
    blocks, bootstrap = day_blocks(known, len(labels)), Bootstrap(seed=seed)
    found = {name: bootstrap.bounds(METRICS[name], labels, scores, blocks) for name in measured}
    return {name: bounds for name, bounds in found.items() if bounds}
