"""Which rows of a reference a window is held against: the same weeks of the years before, where it reaches so far."""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import numpy as np

from mlops_assets.rooms.monitor.calibration import MIN_CHUNKS
from mlops_assets.rooms.monitor.drift import DriftFigures, drift
from mlops_assets.rooms.monitor.reference import Reference, chunks_of
from mlops_assets.rooms.monitor.rows import Rows
from mlops_assets.rooms.monitor.window import span

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mlops_assets.stores.cache import Cache

WEEKS: Final = 365.2425 / 7
"""Of a year: whole weeks are gone back, so that a weekday stands against its like."""
BESIDE: Final = timedelta(weeks=4)
"""On either side at least, so that there are windows enough to learn from how much they differ."""
LONGEST: Final = timedelta(days=61)
"""A longer window is of no one season."""


@dataclass(frozen=True)
class Matched:
    """What a window is held against.

    Attributes:
        reference: the rows of the season, or all.
        whole: all of the reference.
        years: how many years before are in it; 0: it is the whole reference.
        words: which rows these are, and why not those of the season.
    """

    reference: Reference
    whole: Reference
    years: int
    words: str

    def row(self) -> dict[str, str | int]:
        """As the history keeps it."""
        return {"reference": self.words, "reference_years": self.years, "reference_rows": self.reference.rows.num_rows}

    def drift(
        self, window: Rows, *, false_alarm_rate: float, seed: int = 0, held: "Cache | None" = None
    ) -> DriftFigures:
        """Judge a window against the season; what may occur at all is told by everything that the model has seen."""
        found = drift(window, self.reference, false_alarm_rate=false_alarm_rate, seed=seed, held=held)
        if not self.years:
            return found
        known = drift(window, self.whole, false_alarm_rate=false_alarm_rate, seed=seed, held=held).faults
        faults = [here if here.kind == "nulls" else ever for here, ever in zip(found.faults, known, strict=True)]
        return replace(found, faults=tuple(faults))


def matched(whole: Reference, start: datetime | None, end: datetime | None) -> Matched:
    """Choose the rows of a reference from the same weeks of each year before, and some weeks beside them.

    Args:
        whole: the reference, its rows in the order of time.
        start: the oldest event time of the window; None: it has no time.
        end: its newest.
    """
    known = span(whole.rows)
    first, last = known["window_start"], known["window_end"]
    if start is None or end is None or first is None:
        return Matched(whole, whole, 0, "all of the reference, as its rows have no time")
    everything = f"all of the reference ({first:%Y-%m-%d} to {last:%Y-%m-%d})"
    if end - start > LONGEST:
        return Matched(whole, whole, 0, f"{everything}, as a window of {(end - start).days} days is of no one season")
    stretches = _stretches(start, end, first, last)
    if not stretches:
        return Matched(whole, whole, 0, f"{everything}, as the same weeks of a year before are not in it")
    times = whole.rows["event_time"].to_numpy().astype("datetime64[us]")
    rows = whole.rows.filter(np.any([_between(times, *stretch) for stretch in stretches], axis=0))
    season = Reference(whole.manifest, rows, chunks_of(rows), _digest(whole, stretches))
    if season.chunks.count < MIN_CHUNKS:
        few = f"{season.chunks.count} days, of at least {MIN_CHUNKS}"
        return Matched(whole, whole, 0, f"{everything}, as the same weeks of the years before hold {few}")
    told = ", ".join(f"{low:%Y-%m-%d} to {high:%Y-%m-%d}" for low, high in stretches)
    before = "the year before" if len(stretches) == 1 else f"{len(stretches)} years before"
    return Matched(season, whole, len(stretches), f"the same weeks of {before}, and those beside them ({told})")


def _stretches(start: datetime, end: datetime, first: datetime, last: datetime) -> list[tuple[datetime, datetime]]:
    """Those weeks of each year before, the newest first, and as many on either side as far as the reference goes."""
    beside, found, years = max(BESIDE, end - start), [], 1
    while (back := timedelta(weeks=round(years * WEEKS))) <= start - first:
        if end - back <= last:
            found.append((max(first, start - back - beside), min(last, end - back + beside)))
        years += 1
    return found


def _digest(whole: Reference, stretches: list[tuple[datetime, datetime]]) -> str:
    return hashlib.sha256(f"{whole.digest}{stretches}".encode()).hexdigest() if whole.digest else ""


def _between(times: "NDArray[np.datetime64]", low: datetime, high: datetime) -> "NDArray[np.bool_]":
    within: NDArray[np.bool_] = (times >= _naive(low)) & (times <= _naive(high))
    return within


def _naive(moment: datetime) -> np.datetime64:
    return np.datetime64(moment.replace(tzinfo=None), "us")
