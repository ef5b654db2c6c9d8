"""What the figures of a window mean, in the words of somebody who was asked."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlops_assets.rooms.monitor.drift import DriftFigures
    from mlops_assets.rooms.monitor.performance import PerformanceFigures

Line = tuple[str, str, str, str]
"""What was measured, its figure, what it is held against, what that says."""


def drift_words(figures: "DriftFigures") -> str:
    """Whether the scores have drifted, and what else was seen."""
    if figures.why_not:
        return f"No judgement: {figures.why_not}."
    moved = figures.mean_score - figures.reference_score
    verb = "have drifted" if figures.alarm else "have not drifted"
    far = "further than" if figures.alarm else "no further than"
    said = (
        f"The scores {verb}: they are {figures.statistic:.3f} away from the reference, {far} {figures.threshold:.3f}, "
        f"which a window without drift passes once in {1 / figures.false_alarm_rate:.0f}. "
        f"The mean score is {abs(moved):.3f} {'higher' if moved > 0 else 'lower'} than it was."
    )
    if figures.broken:
        named = ", ".join(f"{fault.feature} ({fault.kind})" for fault in figures.broken)
        said += f" More rows than usual tell nothing in: {named}."
    return said


def performance_words(figures: "PerformanceFigures") -> str:
    """Whether the answers were worse than they should be."""
    known = f"{figures.matured:,} of {figures.predicted:,} answers have a known outcome."
    if figures.why_not and not figures.figures:
        return f"No judgement: {figures.why_not}. {known}"
    name, gap = figures.watched.name, figures.figures["calibration_gap"]
    figure, bound = figures.figures[name], "at least" if figures.watched.greater_is_better else "at most"
    if figures.why_not:
        return f"No judgement: {figures.why_not}. The {name} is {figure:.3f}. {known}"
    complaints = [
        f"it answers worse ({name} {figure:.3f}, {bound} {figures.watched_threshold:.3f} expected)"
        if figures.watched_alarm
        else "",
        f"what it says is off what happens by {gap:.3f} (at most {figures.gap_threshold:.3f} expected)"
        if figures.gap_alarm
        else "",
    ]
    if figures.alarm:
        return f"The model is worse than it should be: {' and '.join(filter(None, complaints))}. {known}"
    return f"The model is as good as it should be: {name} {figure:.3f}, off what happens by {gap:.3f}. {known}"


def drift_lines(figures: "DriftFigures") -> Sequence[Line]:
    """The figures of a drift report, with what each is held against."""
    rate = f"passed by {figures.false_alarm_rate:.0%} of calm windows"
    main = [
        ("distance of the scores (KS, mean over days)", _n(figures.statistic), _n(figures.threshold), rate),
        ("share of days that are unusual", _n(figures.share_days_over), _n(figures.false_alarm_rate), "expected share"),
        ("mean score", _n(figures.mean_score), _n(figures.reference_score), "the reference's"),
        ("days", str(figures.days), str(figures.reference_days), "the reference's"),
    ]
    ranked = sorted(figures.faults, key=lambda fault: fault.threshold - fault.window)
    shares = [
        (f"{fault.feature}: {fault.kind}", _n(fault.window), _n(fault.threshold), "unusual" if fault.alarm else "")
        for fault in ranked
    ]
    return [*main, *shares]


def performance_lines(figures: "PerformanceFigures") -> Sequence[Line]:
    """The figures of a performance report, with intervals and what each is held against."""
    return [
        ("answers", f"{figures.predicted:,}", "", ""),
        ("of them with a known outcome", f"{figures.matured:,}", "", f"coverage {figures.coverage:.1%}"),
        ("what happened on average", _n(figures.base_rate), "", "the skill is measured against the window's own"),
        ("what was said on average", _n(figures.mean_score), "", ""),
        *_measured(figures),
    ]


def _measured(figures: "PerformanceFigures") -> Iterator[Line]:
    word = "at least" if figures.watched.greater_is_better else "at most"
    bounds = {
        figures.watched.name: (word, figures.watched_threshold),
        "calibration_gap": ("at most", figures.gap_threshold),
    }
    for name, value in figures.figures.items():
        word, threshold = bounds.get(name, ("", float("nan")))
        interval = figures.intervals.get(name)
        said = f"interval {interval[0]:.4f} to {interval[1]:.4f}" if interval else "too few days for an interval"
        yield name, _n(value), f"{word} {threshold:.4f}" if threshold == threshold else "", said  # noqa: PLR0124 - NaN differs from itself


def _n(value: float) -> str:
    return "not known" if value != value else f"{value:.4f}"  # noqa: PLR0124 - NaN differs from itself
