"""What the figures of a window mean, in the words of somebody who was asked."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mlops_assets.rooms.monitor.drift import DriftFigures
    from mlops_assets.rooms.monitor.faults import Fault
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
KINDS: Final = {
    "nulls": "missing",
    "range": "out of range",
    "unseen": "never seen before",
    "skew": "not what training has of the same row",
}
DONE: Final = "What is done about it?"
SMALL: Final = 0.005
"""A difference of averages, or a share of what the score rests on, that is not worth a word."""
MEASURED_BY: Final = {
    "score": "score: distance (KS)",
    "features": "features: distance, weighted by how much the score rests on each",
    "domain": "domain classifier: distance over means, squares and products",
    "order": "order: steps from row to row",
}


def drift_words(figures: "DriftFigures") -> str:
    """What changed, whether it matters, and what is done about it."""
    if figures.why_not:
        broken = f"{_broken(figures)} {_done(figures)} Otherwise no" if figures.broken else "No"
        return f"{broken} judgement: {figures.why_not}."
    return " ".join(said for _, said in drift_answers(figures))


def drift_answers(figures: "DriftFigures") -> list[tuple[str, str]]:
    """The same by the three questions that a reader has; none without a judgement."""
    if figures.why_not:
        return []
    return [
        ("What changed?", _changed(figures)),
        ("Does it matter?", _matters(figures)),
        (DONE, _done(figures)),
    ]


def _changed(figures: "DriftFigures") -> str:
    broken = f"{_broken(figures)} " if figures.broken else ""
    if not figures.shifted:
        once = 1 / figures.false_alarm_rate
        calm = f"no figure passes what a calm window passes once in {once:.0f}"
        return f"{broken}{'Otherwise the' if broken else 'The'} window has not drifted: {calm}."
    found = _listed([MEANING[shift.detector] for shift in figures.shifted])
    most = f"furthest beyond is {figures.worst.detector}, {figures.worst.ratio:.1f} times what is expected"
    return f"{broken}The window has drifted: {found}; {most}. {_moved(figures)}"


def _moved(figures: "DriftFigures", most: int = 3) -> str:
    ranked = by_moved(figures)
    if not ranked:
        return "No column by itself stands out."
    weighty = [name for name in ranked if figures.weights[name] >= SMALL]
    named = [
        f"{name} ({figures.columns[name]:.2f} apart, usually under {figures.usual[name]:.2f})"
        for name in (weighty or ranked)[:most]
    ]
    said = "The columns that moved and matter most" if weighty else "The columns that moved tell nothing of the score"
    return f"{said}: {', '.join(named)}."


def by_moved(figures: "DriftFigures") -> list[str]:
    """The columns that are further off than usual, the ones first that by their weight moved the most."""
    beyond = {name: figures.columns[name] - figures.usual[name] for name in figures.weights}
    return sorted((name for name in beyond if beyond[name] > 0), key=lambda name: -figures.weights[name] * beyond[name])


def _matters(figures: "DriftFigures") -> str:
    moved = figures.mean_score - figures.reference_score
    score = f"The mean score is {abs(moved):.3f} {'higher' if moved > 0 else 'lower'} than the reference's"
    told = sum(figures.weights[name] for name in by_moved(figures))
    return f"{score}; {told:.0%} of what the score rests on lies in columns that are further off than usual."


def _broken(figures: "DriftFigures", most: int = 4) -> str:
    """Features that are broken in the same way are told together."""
    together: dict[str, list[str]] = {}
    for fault in sorted(figures.broken, key=lambda fault: fault.threshold - fault.window):
        how = f"{KINDS[fault.kind]} in {fault.window:.1%} of rows, at most {fault.threshold:.1%} expected"
        together.setdefault(how, []).append(fault.feature)
    named = [f"{_listed(features)} ({how})" for how, features in together.items()]
    more = [f"{len(named) - most} more"] if len(named) > most else []
    return f"Something is broken: {_listed(named[:most] + more)}."


def _done(figures: "DriftFigures") -> str:
    if figures.reaction == "stop":
        return "It is to be mended at the source; nothing is trained on this window."
    if figures.reaction == "challenger":
        return "It asks for a challenger, as soon as the limits allow it; only evidence on later labels promotes one."
    return "Nothing is asked for."


def _listed(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else "".join(words)


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


def performance_answers(figures: "PerformanceFigures") -> list[tuple[str, str]]:
    """The same by the three questions that a reader has; none without a judgement."""
    if figures.why_not:
        return []
    moved = figures.mean_score - figures.base_rate
    said = (
        f"{figures.mean_score:.3f} was said on average and {figures.base_rate:.3f} happened"
        f"{'' if abs(moved) < SMALL else ': too much was said' if moved > 0 else ': too little was said'}."
    )
    asked = "It asks for a challenger, as soon as the limits allow it; only evidence promotes one."
    done = asked if figures.alarm else "Nothing is asked for."
    return [("Is it as good as it should be?", performance_words(figures)), ("What changed?", said), (DONE, done)]


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
    broken = sorted(figures.broken, key=lambda fault: fault.threshold - fault.window)
    return [*main, *scores, *(_column(figures, name) for name in by_moved(figures)), *map(_share, broken)]


def drift_details(figures: "DriftFigures") -> list[tuple[str, Sequence[Line]]]:
    """All that is as usual, by a title to open it with."""
    moved = set(by_moved(figures))
    columns = sorted((name for name in figures.weights if name not in moved), key=lambda name: -figures.weights[name])
    shares = [fault for fault in figures.faults if not fault.alarm]
    within = sorted(shares, key=lambda fault: fault.threshold - fault.window)
    found = {
        f"{len(columns)} columns are as far off as usual": [_column(figures, name) for name in columns],
        f"{len(within)} shares of values that are missing, unseen, far off or not training's are within their bounds": [
            *map(_share, within)
        ],
    }
    return [(title, lines) for title, lines in found.items() if lines]


def _column(figures: "DriftFigures", name: str) -> Line:
    apart, usual = figures.columns[name], figures.usual[name]
    said = "moved" if apart > usual else "as usual"
    return f"{name}: distance", _n(apart), _n(usual), f"{said}; {figures.weights[name]:.0%} of the score rests on it"


def _share(fault: "Fault") -> Line:
    return (
        f"{fault.feature}: {KINDS[fault.kind]}",
        f"{fault.window:.2%}",
        f"{fault.threshold:.2%}",
        f"{'broken' if fault.alarm else 'within bounds'}; {fault.reference:.2%} in the reference",
    )


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
