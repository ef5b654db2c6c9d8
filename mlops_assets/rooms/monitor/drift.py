"""Whether the scores of a window are further from the reference's than its own days are: an alarm at a stated rate."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mlops_assets.rooms.monitor.calibration import MIN_CHUNKS, Floats, Weights, null
from mlops_assets.rooms.monitor.chunks import MIN_ROWS, Chunks, thin
from mlops_assets.rooms.monitor.faults import Fault, faults
from mlops_assets.rooms.monitor.reference import chunks_of, floats

if TYPE_CHECKING:
    import pyarrow as pa

    from mlops_assets.rooms.monitor.reference import Reference

NAN = float("nan")


@dataclass(frozen=True)
class DriftFigures:
    """What a window's scores and features show.

    Attributes:
        statistic: mean over the window's days of the KS distance between the day's scores and the reference's.
        threshold: what a window without drift exceeds with probability `false_alarm_rate`; NaN: not calibrated.
        false_alarm_rate: stated a window.
        days: of the window, chunks of at least 30 rows.
        reference_days: of the reference.
        share_days_over: days that are further off than all but `false_alarm_rate` of the reference's days.
        mean_score: of the window.
        reference_score: mean of the reference.
        faults: null and unseen-category shares a feature; they warn, and ask for nothing.
        why_not: why there is no threshold; empty when there is one.
    """

    statistic: float
    threshold: float
    false_alarm_rate: float
    days: int
    reference_days: int
    share_days_over: float
    mean_score: float
    reference_score: float
    faults: tuple[Fault, ...] = ()
    why_not: str = ""

    @property
    def alarm(self) -> bool:
        """The scores have drifted; never without a threshold."""
        return self.statistic > self.threshold

    @property
    def broken(self) -> tuple[Fault, ...]:
        """The features whose nulls or unseen categories are out of bounds."""
        return tuple(fault for fault in self.faults if fault.alarm)

    def row(self) -> dict[str, Any]:
        """The figures as the history keeps them."""
        return {
            "figure_name": "score_ks",
            "figure": self.statistic,
            "threshold": self.threshold,
            "alarm": self.alarm,
            "false_alarm_rate": self.false_alarm_rate,
            "days": self.days,
            "reference_days": self.reference_days,
            "share_days_over": self.share_days_over,
            "mean_score": self.mean_score,
            "reference_score": self.reference_score,
            "faults": len(self.broken),
            "faulty": ", ".join(f"{fault.feature} ({fault.kind})" for fault in self.broken),
        }


def drift(window: "pa.Table", reference: "Reference", *, false_alarm_rate: float = 0.05, seed: int = 0) -> DriftFigures:
    """Judge a window's scores and the gaps of its features against the model's reference.

    Args:
        window: `event_time`, `score` and the features, a row a prediction.
        reference: of the model that answered.
        false_alarm_rate: the share of windows without drift in which the score alarm may ring.
        seed: of all that is drawn.
    """
    chunks, scores, known = chunks_of(window), floats(window, "score"), reference.scores
    unjudged = DriftFigures(
        statistic=NAN,
        threshold=NAN,
        false_alarm_rate=false_alarm_rate,
        days=chunks.count,
        reference_days=reference.chunks.count,
        share_days_over=NAN,
        mean_score=_mean(scores),
        reference_score=_mean(known),
        why_not=uncalibrated(chunks, reference.chunks),
    )
    if unjudged.why_not:
        return unjudged
    size = max(MIN_ROWS, int(min(np.median(chunks.sizes()), np.median(reference.chunks.sizes()))))
    judged = _window_days(scores, chunks, np.sort(known), size, seed)
    calm = _reference_days(known, reference.chunks, size, seed)
    usual = null(lambda weights: _weighted(weights, calm), reference.chunks, chunks.count, seed=seed)
    return replace(
        unjudged,
        statistic=float(judged.mean()),
        threshold=usual.above(false_alarm_rate),
        share_days_over=float((judged > np.quantile(calm, 1 - false_alarm_rate)).mean()),
        faults=faults(window, chunks, reference, rate=false_alarm_rate, seed=seed),
    )


def uncalibrated(window: Chunks, reference: Chunks) -> str:
    """Why a window cannot be judged against a reference; empty when it can."""
    if window.count == 0:
        return f"{len(window.codes)} rows in the window, of at least {MIN_ROWS}"
    if reference.count < MIN_CHUNKS:
        return f"not calibrated: {reference.count} days in the reference, of at least {MIN_CHUNKS}"
    return ""


def _window_days(scores: Floats, chunks: Chunks, known: Floats, size: int, seed: int) -> Floats:
    """Kolmogorov-Smirnov distance (Smirnov, 1948) of each of the window's days to the whole reference."""
    kept = thin(chunks, size, seed=seed)
    days = [np.sort(scores[kept & (chunks.codes == day)]) for day in range(chunks.count)]
    return np.array([_distance(day, known) for day in days])


def _distance(day: Floats, known: Floats) -> float:
    grid = np.concatenate([day, known])
    here = np.searchsorted(day, grid, "right") / len(day)
    there = np.searchsorted(known, grid, "right") / len(known)
    return float(np.abs(here - there).max())


def _reference_days(scores: Floats, chunks: Chunks, size: int, seed: int) -> Floats:
    """The same distance of each of the reference's days to the reference without that day's own week."""
    order = np.argsort(scores, kind="stable")
    codes, kept = chunks.codes[order], thin(chunks, size, seed=seed)[order]
    last = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    distances = np.empty(chunks.count)
    for day in range(chunks.count):
        own = np.cumsum(kept & (codes == day))[last]
        rest = np.cumsum(np.abs(codes - day) > chunks.reach)[last]
        distances[day] = np.abs(own / own[-1] - rest / rest[-1]).max()
    return distances


def _weighted(weights: Weights, days: Floats) -> Floats:
    mean: Floats = weights @ days / weights.sum(axis=1)
    return mean


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else NAN
