"""One suite over every detector of the monitor: calm at the stated rate, loud on what it is for, honest in doubt."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest

from mlops_assets.rooms.monitor.detectors import DETECTORS as DETECTORS_OF_DRIFT
from mlops_assets.rooms.monitor.drift import DriftFigures, drift
from mlops_assets.rooms.monitor.performance import PerformanceFigures, performance
from mlops_assets.rooms.monitor.reference import Reference
from mlops_assets_tests.rooms.monitor.days import reference, window

Figures = DriftFigures | PerformanceFigures
REPETITIONS = 50
RATE = 0.2


@dataclass(frozen=True)
class Detector:
    """An alarm, and a window in which it must ring.

    Attributes:
        alarm: of a window's figures.
        share: of the stated rate that is its own.
        shifted: what the window is like when it must ring.
    """

    judge: Callable[..., Figures]
    alarm: Callable[[Any], bool]
    share: float
    shifted: dict[str, Any]


def judge_drift(seed: int, known: Reference, **given: Any) -> DriftFigures:
    return drift(window(seed=seed, **given), known, false_alarm_rate=RATE)


def judge_performance(seed: int, known: Reference, **given: Any) -> PerformanceFigures:
    rows = window(seed=seed, **given)
    return performance(rows, len(rows), known, false_alarm_rate=RATE)


def shifted(name: str) -> Callable[[DriftFigures], bool]:
    return lambda figures: any(shift.detector == name for shift in figures.shifted)


def broken(kind: str) -> Callable[[DriftFigures], bool]:
    return lambda figures: any(fault.kind == kind for fault in figures.broken)


DETECTORS = {
    "score": Detector(judge_drift, shifted("score"), 1.0, {"shift": 0.8}),
    "features": Detector(judge_drift, shifted("features"), 1.0, {"carriers": "AAAB"}),
    "domain": Detector(judge_drift, shifted("domain"), 1.0, {"carriers": "AAAB"}),
    "order": Detector(judge_drift, shifted("order"), 1.0, {"carriers": "A"}),
    "nulls": Detector(judge_drift, broken("nulls"), 1.0, {"nulls": 0.2}),
    "range": Detector(judge_drift, broken("range"), 1.0, {"unit": 60.0}),
    "unseen": Detector(judge_drift, broken("unseen"), 1.0, {"carriers": "ABCXYZ"}),
    "auc": Detector(judge_performance, lambda figures: figures.watched_alarm, 0.5, {"flipped": 0.5}),
    "gap": Detector(judge_performance, lambda figures: figures.gap_alarm, 0.5, {"shift": 0.8}),
}
EVERY = pytest.mark.parametrize("detector", DETECTORS.values(), ids=DETECTORS)


@cache
def calm(judge: Callable[..., Figures]) -> list[Figures]:
    known = [reference(56, 30, seed=1_000 + seed) for seed in range(REPETITIONS)]
    return [judge(seed, known[seed], rows=30, days=14) for seed in range(REPETITIONS)]


@EVERY
def test_a_calm_window_alarms_at_most_about_as_often_as_stated(detector: Detector) -> None:
    alarms = sum(detector.alarm(figures) for figures in calm(detector.judge))
    assert alarms / REPETITIONS <= detector.share * RATE + 0.12


def test_calm_windows_alarm_together_about_as_often_as_stated() -> None:
    judged = [figures for figures in calm(judge_drift) if isinstance(figures, DriftFigures)]
    rate = sum(figures.reaction != "none" for figures in judged) / REPETITIONS
    assert RATE / 5 <= rate <= RATE + 0.12


def test_every_registered_detector_is_in_this_suite() -> None:
    assert set(DETECTORS_OF_DRIFT) <= set(DETECTORS)


@EVERY
def test_a_window_that_is_strongly_shifted_alarms(detector: Detector) -> None:
    known = reference()
    assert all(detector.alarm(detector.judge(seed, known, **detector.shifted)) for seed in range(3))


@EVERY
def test_the_same_window_is_judged_the_same(detector: Detector) -> None:
    known = reference(days=21)
    assert repr(detector.judge(1, known, days=7)) == repr(detector.judge(1, known, days=7))


@EVERY
def test_a_reference_of_under_twelve_days_gives_no_alarm_and_says_why(detector: Detector) -> None:
    figures = detector.judge(0, reference(days=11), **detector.shifted)
    assert not detector.alarm(figures)
    assert figures.why_not == "not calibrated: 11 days in the reference, of at least 12"


@EVERY
def test_a_window_of_a_few_rows_gives_no_alarm_and_says_why(detector: Detector) -> None:
    figures = detector.judge(0, reference(days=21), **detector.shifted, days=1, rows=29)
    assert not detector.alarm(figures)
    assert "29" in figures.why_not


@EVERY
def test_without_event_times_a_shift_still_alarms_and_calm_does_not(detector: Detector) -> None:
    known = reference(timed=False, moods=0.0)
    assert detector.alarm(detector.judge(0, known, timed=False, moods=0.0, **detector.shifted))
    alarms = [detector.alarm(detector.judge(seed, known, timed=False, moods=0.0)) for seed in range(4)]
    assert sum(alarms) < 3
