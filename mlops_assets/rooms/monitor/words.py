"""What the figures of a window mean, in the words of somebody who was asked."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mlops_assets.rooms.monitor.drift import DriftFigures
    from mlops_assets.rooms.monitor.maturing import Maturity
    from mlops_assets.rooms.monitor.performance import PerformanceFigures

Line = tuple[str, str, str, str]
"""What was measured, its figure, what it is held against, what that says."""

MEANING: Final = {
    "score": "the scores are distributed otherwise",
    "features": "the columns that matter are distributed otherwise",
    "domain": "window and reference can be told apart by what goes together in them",
    "order": "rows of one time are not as alike as they were",
}
MEASURED_BY: Final = {
    "score": "score: distance (KS)",
    "features": "features: distance, weighted by what they tell of the score",
    "domain": "domain classifier: distance over means, squares and products",
    "order": "order: steps from row to row",
}


def drift_words(figures: "DriftFigures") -> str:
    """What changed, whether it matters, and what is done about it."""
    if figures.why_not:
        return f"No judgement: {figures.why_not}."
    return f"{_changed(figures)} {_done(figures)}"


def _changed(figures: "DriftFigures") -> str:
    moved = figures.mean_score - figures.reference_score
    scores = f"The mean score is {abs(moved):.3f} {'higher' if moved > 0 else 'lower'} than it was."
    if not figures.shifted:
        once = 1 / figures.false_alarm_rate
        return f"The window has not drifted: no figure passes what a calm window passes once in {once:.0f}. {scores}"
    found = ", and ".join(
        f"{MEANING[shift.detector]} ({shift.figure:.3g}, at most {shift.threshold:.3g} expected)"
        for shift in figures.shifted
    )
    first = f"{found[0].upper()}{found[1:]}."
    return f"The window has drifted. {first} The columns that moved and matter most: {_moved(figures)}. {scores}"


def _moved(figures: "DriftFigures", most: int = 3) -> str:
    ranked = sorted(figures.weights, key=lambda name: -figures.weights[name] * figures.columns[name])
    return ", ".join(f"{name} ({figures.columns[name]:.2f} apart)" for name in ranked[:most])


def _done(figures: "DriftFigures") -> str:
    if figures.reaction == "stop":
        named = ", ".join(f"{fault.feature} ({fault.kind} in {fault.window:.1%} of rows)" for fault in figures.broken)
        return f"Something is broken: {named}. That is to be mended at the source; nothing is trained on it."
    if figures.reaction == "challenger":
        return "It asks for a challenger; only evidence on later labels promotes it."
    return "Nothing is asked for."


def performance_words(figures: "PerformanceFigures") -> str:
    """Whether the answers were worse than they should be."""
    if figures.why_not and not figures.figures:
        return f"No judgement: {figures.why_not}."
    name, gap = figures.watched.name, figures.figures["calibration_gap"]
    figure, bound = figures.figures[name], "at least" if figures.watched.greater_is_better else "at most"
    if figures.why_not:
        return f"No judgement: {figures.why_not}. The {name} is {figure:.3f}."
    complaints = [
        f"it answers worse ({name} {figure:.3f}, {bound} {figures.watched_threshold:.3f} expected)"
        if figures.watched_alarm
        else "",
        f"what it says is off what happens by {gap:.3f} (at most {figures.gap_threshold:.3f} expected)"
        if figures.gap_alarm
        else "",
    ]
    if figures.alarm:
        return f"The model is worse than it should be: {' and '.join(filter(None, complaints))}."
    return f"The model is as good as it should be: {name} {figure:.3f}, off what happens by {gap:.3f}."


def drift_lines(figures: "DriftFigures") -> Sequence[Line]:
    """The figures of a drift report, with what each is held against."""
    main = [
        (MEASURED_BY[shift.detector], _n(shift.figure), _n(shift.threshold), "beyond" if shift.alarm else "as usual")
        for shift in figures.shifts
    ]
    scores = [
        ("mean score", _n(figures.mean_score), _n(figures.reference_score), "the reference's"),
        ("days", str(figures.days), str(figures.reference_days), "the reference's"),
    ]
    ranked = sorted(figures.weights, key=lambda name: -figures.weights[name] * figures.columns[name])
    columns = [
        (f"{name}: distance", _n(figures.columns[name]), "", f"{figures.weights[name]:.0%} of what tells of the score")
        for name in ranked
    ]
    worst = sorted(figures.faults, key=lambda fault: fault.threshold - fault.window)
    shares = [
        (f"{fault.feature}: {fault.kind}", _n(fault.window), _n(fault.threshold), "broken" if fault.alarm else "")
        for fault in worst
    ]
    return [*main, *scores, *columns, *shares]


def performance_lines(figures: "PerformanceFigures") -> Sequence[Line]:
    """The figures of a performance report, with intervals and what each is held against."""
    return [
        ("what happened on average", _n(figures.base_rate), "", "the skill is measured against the window's own"),
        ("what was said on average", _n(figures.mean_score), "", ""),
        *_measured(figures),
    ]


def maturity_lines(truth: "Maturity") -> Sequence[Line]:
    """How much of the truth is known, and whether what is known is a fair sample."""
    return [
        ("answers", f"{truth.predicted:,}", "", ""),
        ("of them with a known outcome", f"{truth.matured:,}", "", f"{truth.coverage:.1%} of those that can have one"),
        ("outcome still to come", f"{truth.pending:,}", "", ""),
        *((f"never: {reason}", f"{count:,}", "", "censored") for reason, count in truth.never.items()),
        ("said on average: outcome known", _n(truth.matured_score), _n(truth.unknown_score), "all the others"),
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
