"""How good a window's answers were, by the labels that have matured, and whether that is worse than it should be."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mlops_assets.rooms.monitor.calibration import Floats, Null, Weights, null
from mlops_assets.rooms.monitor.chunks import MIN_ROWS, Chunks, thin
from mlops_assets.rooms.monitor.drift import uncalibrated
from mlops_assets.rooms.monitor.reference import chunks_of, floats
from mlops_assets.rooms.train.bootstrap import MIN_BLOCKS, Bootstrap, day_blocks
from mlops_assets.rooms.train.metrics import METRICS

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from mlops_assets.rooms.monitor.reference import Reference

NAN = float("nan")
MEASURED = ("roc_auc", "brier", "brier_skill", "log_loss", "calibration_gap")
Bounds = tuple[float, float]


@dataclass(frozen=True)
class PerformanceFigures:
    """What the matured labels of a window show.

    Attributes:
        predicted: answers given.
        matured: of them, those whose label is known by the cut-off.
        base_rate: of the matured labels: the window's own, against which skill is measured.
        mean_score: of the matured rows.
        figures: metric to figure; empty when there are too few rows, or one class only.
        intervals: metric to its bounds, over days; empty when there are too few days.
        auc_threshold: what a window without change falls short of, at half of the rate; NaN: not calibrated.
        gap_threshold: what it exceeds, at half of the rate.
        false_alarm_rate: stated a window, over both alarms together.
        days: of the matured rows.
        why_not: why there is no judgement; empty when there is one.
    """

    predicted: int
    matured: int
    base_rate: float
    mean_score: float
    figures: Mapping[str, float]
    intervals: Mapping[str, Bounds]
    auc_threshold: float
    gap_threshold: float
    false_alarm_rate: float
    days: int
    why_not: str = ""

    @property
    def coverage(self) -> float:
        """The share of answers whose label is known."""
        return self.matured / self.predicted if self.predicted else NAN

    @property
    def auc_alarm(self) -> bool:
        """It tells yes from no worse than a window should."""
        return self.figures.get("roc_auc", NAN) < self.auc_threshold

    @property
    def gap_alarm(self) -> bool:
        """Its mean score is further from the base rate than a window's should be."""
        return self.figures.get("calibration_gap", NAN) > self.gap_threshold

    @property
    def alarm(self) -> bool:
        """Either; never without a threshold."""
        return self.auc_alarm or self.gap_alarm

    def row(self) -> dict[str, Any]:
        """The figures as the history keeps them."""
        gap = self.gap_alarm and not self.auc_alarm
        name = "calibration_gap" if gap else "roc_auc"
        bounds = {name: self.intervals.get(name, (NAN, NAN)) for name in MEASURED}
        return {
            "figure_name": name,
            "figure": self.figures.get(name, NAN),
            "threshold": self.gap_threshold if gap else self.auc_threshold,
            "alarm": self.alarm,
            "false_alarm_rate": self.false_alarm_rate,
            "days": self.days,
            "predicted": self.predicted,
            "matured": self.matured,
            "coverage": self.coverage,
            "base_rate": self.base_rate,
            "mean_score": self.mean_score,
            **{m: self.figures.get(m, NAN) for m in MEASURED},
            **{f"{m}_low": low for m, (low, _) in bounds.items()},
            **{f"{m}_high": high for m, (_, high) in bounds.items()},
            "auc_threshold": self.auc_threshold,
            "gap_threshold": self.gap_threshold,
        }


def performance(
    matured: "pa.Table", predicted: int, reference: "Reference", *, false_alarm_rate: float = 0.05, seed: int = 0
) -> PerformanceFigures:
    """Judge the answers of a window whose labels are known.

    The thresholds come from the reference's days, resampled to as many as the window has; each alarm gets half
    of the rate (Bonferroni). Where the window has more rows a day than the reference, the thresholds are on the
    cautious side.

    Args:
        matured: `event_time`, `score` and `label`, a row an answer whose label is known by the cut-off.
        predicted: the answers that were given in the window.
        reference: of the model that answered.
        false_alarm_rate: the share of windows without change in which an alarm may ring.
        seed: of all that is drawn.
    """
    chunks, scores, labels = chunks_of(matured), floats(matured, "score"), floats(matured, "label")
    why_not = _unjudged(chunks, labels) or uncalibrated(chunks, reference.chunks)
    defined = not _unjudged(chunks, labels)
    auc, gap = (NAN, NAN) if why_not else _thresholds(reference, chunks, false_alarm_rate / 2, seed)
    return PerformanceFigures(
        predicted=predicted,
        matured=len(labels),
        base_rate=float(labels.mean()) if len(labels) else NAN,
        mean_score=float(scores.mean()) if len(labels) else NAN,
        figures={name: METRICS[name](labels, scores) for name in MEASURED} if defined else {},
        intervals=_intervals(matured, labels, scores, seed) if defined else {},
        auc_threshold=auc,
        gap_threshold=gap,
        false_alarm_rate=false_alarm_rate,
        days=chunks.count,
        why_not=why_not,
    )


def _unjudged(chunks: Chunks, labels: Floats) -> str:
    if chunks.count == 0:
        return f"{len(labels)} matured labels, of at least {MIN_ROWS}"
    return "" if 0 < labels.mean() < 1 else "matured labels of one class only"


def _thresholds(reference: "Reference", chunks: Chunks, rate: float, seed: int) -> Bounds:
    size = max(MIN_ROWS, int(np.median(chunks.sizes())))
    kept = thin(reference.chunks, size, seed=seed)
    labels, scores, codes = reference.labels[kept], reference.scores[kept], reference.chunks.codes[kept]

    def gap(weights: Weights) -> Floats:
        return _per_row(scores - labels, codes, weights)

    def auc(weights: Weights) -> Floats:
        return METRICS["roc_auc"].resampled(labels, scores, codes, weights)

    def usual(figure: Callable[[Weights], Floats]) -> Null:
        return null(figure, reference.chunks, chunks.count, seed=seed)

    return usual(auc).below(rate), usual(gap).apart(rate)


def _per_row(values: Floats, codes: "NDArray[np.int64]", weights: Weights) -> Floats:
    days = weights.shape[1]
    mean: Floats = (weights @ np.bincount(codes, values, days)) / (weights @ np.bincount(codes, minlength=days))
    return mean


def _intervals(matured: "pa.Table", labels: Floats, scores: Floats, seed: int) -> Mapping[str, Bounds]:
    times = matured.column("event_time")
    known = None if times.null_count else times.to_numpy().astype("datetime64[us]")
    blocks = day_blocks(known, len(labels))
    if len(np.unique(blocks)) < MIN_BLOCKS:
        return {}
    found = {name: Bootstrap(seed=seed).interval(METRICS[name], labels, scores, blocks) for name in MEASURED}
    return {name: (interval.low, interval.high) for name, interval in found.items()}
