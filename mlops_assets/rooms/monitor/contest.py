"""Champion, challengers and baseline on the same matured rows: over the window, by stretch of time, and by slice."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mlops_assets.rooms.train.bootstrap import Bootstrap, day_blocks
from mlops_assets.rooms.train.metrics import METRICS

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from mlops_assets.rooms.label.task import Task
    from mlops_assets.rooms.monitor.reference import Reference

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

NAN = float("nan")
WHOLE = "the window"
MIN_ROWS = 100
"""Matured rows below which a stretch or a slice has no figures."""
MIN_SLICE = 500
MAX_SLICES = 30
RESAMPLES = 200
STRETCHES = ((21, 7), (200, 30))
"""A window of more than so many days is cut into stretches of so many: weeks, then months; a shorter one into days."""


@dataclass(frozen=True)
class Figure:
    """One metric of one contestant on some rows.

    Attributes:
        who: the contestant.
        where: the stretch or slice, or the window.
        kind: `window`, `time` or the feature by which it is sliced.
        metric: its name.
        rows: how many.
        figure: the metric.
        low: lower bound of its interval over days; NaN where there are too few days.
        high: upper bound.
    """

    who: str
    where: str
    kind: str
    metric: str
    rows: int
    figure: float
    low: float = NAN
    high: float = NAN


def metrics_of(reference: "Reference") -> tuple[str, ...]:
    """The objective, the skill against what happened in these very rows, and calibration in the large."""
    return tuple(dict.fromkeys((reference.watched.name, reference.task.skill, "calibration_gap")))


def contestants(champion: str, scores: "Floats", reference: "Reference") -> "dict[str, Floats]":
    """The champion's scores, and the baseline's: the one score that fitted the champion's training rows best."""
    task = reference.task
    guess = task.baseline(task.outcomes(reference.rows["label"]))
    return {champion: scores, "baseline": task.constant(guess, len(scores))}


def contest(
    scores: "Mapping[str, Floats]",
    rows: "pa.Table",
    reference: "Reference",
    *,
    slices: Sequence[str] = (),
    seed: int = 0,
) -> list[Figure]:
    """Every contestant's figures over the window and by stretch of time; the first one's by slice, too.

    Args:
        scores: name to scores in the order of the rows, the champion first.
        rows: the matured rows: `event_time`, `label`, and the features to slice by.
        reference: of the champion.
        slices: features.
        seed: of the bootstrap.
    """
    task, outcomes = reference.task, reference.task.outcomes(rows["label"])
    blocks = day_blocks(_times(rows), rows.num_rows)
    court = _Court(task, outcomes, blocks, metrics_of(reference), Bootstrap(RESAMPLES, seed=seed))
    everything = np.ones(rows.num_rows, dtype=bool)
    found = [f for who, said in scores.items() for f in court.figures(who, said, WHOLE, "window", everything)]
    for where, mask in stretches(_times(rows)):
        found += [f for who, said in scores.items() for f in court.figures(who, said, where, "time", mask)]
    champion = next(iter(scores))
    for feature, value, mask in _sliced(rows, slices):
        found += court.figures(champion, scores[champion], value, feature, mask)
    return found


def stretches(times: "NDArray[np.datetime64] | None") -> "Iterator[tuple[str, Mask]]":
    """Days, weeks or months of a window, by how long it is; none without event times."""
    if times is None or not len(times):
        return
    days = times.astype("datetime64[D]")
    first, span = days.min(), int((days.max() - days.min()).astype(int)) + 1
    width = next((width for longer, width in reversed(STRETCHES) if span > longer), 1)
    place = (days - first).astype(int) // width
    for number in range(int(place.max()) + 1):
        start = first + number * width
        name = str(start) if width == 1 else f"{start} to {min(start + width - 1, days.max())}"
        yield name, place == number


@dataclass(frozen=True)
class _Court:
    task: "Task"
    outcomes: "Floats"
    blocks: "NDArray[np.int64]"
    metrics: tuple[str, ...]
    bootstrap: Bootstrap

    def figures(self, who: str, scores: "Floats", where: str, kind: str, mask: "Mask") -> list[Figure]:
        """Of one contestant on some rows; none where there are too few, or outcomes that do not differ."""
        outcomes = self.outcomes[mask]
        if len(outcomes) < MIN_ROWS or self.task.undecided(outcomes):
            return []
        return [
            Figure(who, where, kind, name, len(outcomes), *self._measured(name, outcomes, scores[mask], mask))
            for name in self.metrics
        ]

    def _measured(self, name: str, outcomes: "Floats", scores: "Floats", mask: "Mask") -> tuple[float, float, float]:
        """Figure and interval; without one where there are too few days, or it is undefined in many resamples."""
        metric = METRICS[name]
        low, high = self.bootstrap.bounds(metric, outcomes, scores, self.blocks[mask]) or (NAN, NAN)
        return metric(outcomes, scores), low, high


def _sliced(rows: "pa.Table", slices: Sequence[str]) -> "Iterator[tuple[str, str, Mask]]":
    import pyarrow as pa

    for feature in slices:
        kind = rows.schema.field(feature).type
        if pa.types.is_floating(kind):
            continue
        values: NDArray[Any] = rows[feature].cast(pa.string()).fill_null("(missing)").to_numpy(zero_copy_only=False)
        names, counts = np.unique(values.astype(str), return_counts=True)
        for name in names[counts >= MIN_SLICE][:MAX_SLICES]:
            yield feature, str(name), values == name


def _times(rows: "pa.Table") -> "NDArray[np.datetime64] | None":
    times = rows["event_time"]
    return None if times.null_count else times.to_numpy().astype("datetime64[us]")
