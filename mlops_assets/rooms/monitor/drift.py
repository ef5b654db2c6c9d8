"""Whether a window is unlike its reference, without a label: several detectors, and together one stated rate."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from mlops_assets.rooms.monitor.baseline import Baseline
from mlops_assets.rooms.monitor.calibration import MIN_CHUNKS
from mlops_assets.rooms.monitor.chunks import MIN_ROWS, Chunks
from mlops_assets.rooms.monitor.detectors import DETECTORS
from mlops_assets.rooms.monitor.faults import Fault, faults
from mlops_assets.rooms.monitor.reference import days_of, floats
from mlops_assets.rooms.monitor.rows import Picked, Rows, pieces, spread
from mlops_assets.rooms.monitor.stored import Stored
from mlops_assets.rooms.monitor.summary import summary
from mlops_assets.rooms.monitor.sums import sums_of

if TYPE_CHECKING:
    from mlops_assets.rooms.monitor.reference import Days, Reference
    from mlops_assets.rooms.monitor.summary import Summary
    from mlops_assets.stores.cache import Cache

NAN = float("nan")
FAULTS_SHARE: Final = 0.2
"""Of the stated rate; the rest is the detectors'."""
DENSER: Final = 1.2
"""From this ratio of rows a day on, the denser side is thinned, so that like is compared with like."""

USUAL: Final = 0.05
"""The share of windows without drift in which one column's distance is called unusual."""

Reaction = Literal["none", "challenger", "stop"]


@dataclass(frozen=True)
class Shift:
    """What one detector says of a window.

    Attributes:
        detector: its name.
        figure: of the window.
        threshold: with those of the other detectors, passed at the stated rate by windows without drift.
    """

    detector: str
    figure: float
    threshold: float

    @property
    def alarm(self) -> bool:
        """The figure is beyond its threshold."""
        return self.figure > self.threshold

    @property
    def ratio(self) -> float:
        """Figure over threshold."""
        return self.figure / self.threshold if self.threshold else (NAN if self.figure == 0 else float("inf"))


@dataclass(frozen=True)
class DriftFigures:
    """What a window's scores and features show.

    Attributes:
        shifts: a detector each; empty: not calibrated.
        faults: shares of rows that tell a model nothing, a feature each.
        columns: a column's distance to the reference's distribution, the score's too.
        usual: what a column's distance passes in one calm window of twenty, each by itself: to be read, no alarm.
        weights: what each feature tells of the score; they sum to 1.
        false_alarm_rate: stated a window, over all of it together.
        days: of the window, chunks of at least 30 rows.
        reference_days: of the reference.
        mean_score: of the window.
        reference_score: mean of the reference.
        why_not: why there is no judgement; empty when there is one.
    """

    false_alarm_rate: float
    days: int
    reference_days: int
    mean_score: float
    reference_score: float
    shifts: tuple[Shift, ...] = ()
    faults: tuple[Fault, ...] = ()
    columns: Mapping[str, float] = field(default_factory=dict)
    usual: Mapping[str, float] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)
    why_not: str = ""

    @property
    def worst(self) -> Shift:
        """The detector that is furthest beyond its threshold, or nearest to it."""
        return max(self.shifts, key=lambda shift: shift.ratio, default=Shift("score", NAN, NAN))

    @property
    def shifted(self) -> tuple[Shift, ...]:
        """The detectors that ring."""
        return tuple(shift for shift in self.shifts if shift.alarm)

    @property
    def broken(self) -> tuple[Fault, ...]:
        """The features whose nulls, range or unseen categories are out of bounds."""
        return tuple(fault for fault in self.faults if fault.alarm)

    @property
    def reaction(self) -> Reaction:
        """A fault is to be mended and nothing is learnt from it; a shift asks for a challenger."""
        if self.broken:
            return "stop"
        return "challenger" if self.shifted else "none"

    @property
    def alarm(self) -> bool:
        """The window asks for a challenger."""
        return self.reaction == "challenger"

    def row(self) -> dict[str, Any]:
        """The figures as the history keeps them."""
        worst, ratios = self.worst, {shift.detector: shift.ratio for shift in self.shifts}
        return {
            "figure_name": worst.detector,
            "figure": worst.figure,
            "threshold": worst.threshold,
            "alarm": self.alarm,
            "fault": bool(self.broken),
            "reaction": str(self.reaction),
            "false_alarm_rate": self.false_alarm_rate,
            "days": self.days,
            "reference_days": self.reference_days,
            "mean_score": self.mean_score,
            "reference_score": self.reference_score,
            "ratio": worst.ratio,
            **{f"{name}_ratio": ratios.get(name, NAN) for name in DETECTORS},
            "faults": len(self.broken),
            "faulty": ", ".join(f"{fault.feature} ({fault.kind})" for fault in self.broken),
        }


def drift(
    window: Rows,
    reference: "Reference",
    *,
    false_alarm_rate: float = 0.05,
    seed: int = 0,
    held: "Cache | None" = None,
) -> DriftFigures:
    """Judge a window's scores and features against the model's reference.

    Args:
        window: `event_time`, `score` and the features, a row a prediction, oldest first.
        reference: of the model that answered.
        false_alarm_rate: the share of windows without drift in which anything may ring.
        seed: of all that is drawn.
        held: where what is summed up of a reference is kept; None: nowhere.
    """
    days = days_of(window)
    unjudged = DriftFigures(
        false_alarm_rate=false_alarm_rate,
        days=days.count,
        reference_days=reference.chunks.count,
        mean_score=_mean(window),
        reference_score=_mean(reference.rows),
        why_not=uncalibrated(days, reference.chunks),
    )
    if unjudged.why_not:
        return unjudged
    share, kept = _alike(days, reference)
    given = spread(_in_order(window, days, seed), share)
    known = summary(reference, given.num_rows, kept=kept, held=held)
    base = baseline(known, given.num_rows, seed=seed)
    found = sums_of(base.encoding, given)
    limits = base.thresholds(false_alarm_rate * (1 - FAULTS_SHARE))
    names = [column.feature.name for column in base.encoding.columns]
    rate = false_alarm_rate * FAULTS_SHARE
    return replace(
        unjudged,
        shifts=tuple(Shift(name, figure, limits[name]) for name, figure in base.judge_sums(found).items()),
        faults=faults(window, known.bounds, days=base.size, rate=rate, seed=seed),
        columns=dict(zip(names, base.distances(found).tolist(), strict=True)),
        usual=dict(zip(names, base.usual_distances(USUAL).tolist(), strict=True)),
        weights=dict(zip(names, base.encoding.weights.tolist(), strict=False)),
    )


def baseline(known: "Summary", window: int, *, seed: int = 0) -> Baseline:
    """What windows of so many rows are judged against.

    Args:
        known: the reference, summed up for windows of that size.
        window: rows of a window.
        seed: of all that is drawn.
    """
    return Baseline(known.encoding, known.chunks, known.sums, max(1, round(window / known.day)), window, seed)


def uncalibrated(window: "Chunks | Days", reference: Chunks) -> str:
    """Why a window cannot be judged against a reference; empty when it can."""
    if window.count == 0:
        return f"{window.rows} rows in the window, of at least {MIN_ROWS}"
    if reference.count < MIN_CHUNKS:
        return f"not calibrated: {reference.count} days in the reference, of at least {MIN_CHUNKS}"
    return ""


def _alike(days: "Days", reference: "Reference") -> tuple[int, int]:
    """How many rows of window and reference have as many a day: rows further apart are less alike."""
    here, there = days.rows, reference.rows.num_rows
    if days.count == 1 or not days.in_time:
        return here, there
    ratio = float(np.median(days.sizes) / np.median(reference.chunks.sizes()))
    if ratio > DENSER:
        return max(MIN_ROWS, round(here / ratio)), there
    return (here, max(MIN_ROWS, round(there * ratio))) if ratio < 1 / DENSER else (here, there)


def _in_order(window: Rows, days: "Days", seed: int) -> Rows:
    """Without event times no row is next to another: their order is drawn, unless it means nothing already."""
    if days.in_time or isinstance(window, Stored):
        return window
    return Picked(window, np.random.default_rng(seed).permutation(window.num_rows))


def _mean(window: Rows) -> float:
    """Of the scores."""
    total = sum(float(floats(piece, "score").sum()) for piece in pieces(window.select(["score"])))
    return total / window.num_rows if window.num_rows else NAN
