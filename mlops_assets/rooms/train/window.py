"""How far back training looks, chosen by a back-test: each window is tried where its future is known already."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from mlops_assets.rooms.train.candidates import DEFAULTS, candidate
from mlops_assets.rooms.train.inputs import present
from mlops_assets.rooms.train.own import metrics_of
from mlops_assets.rooms.train.threads import one_thread
from mlops_assets.spec.base import duration_text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mlops_assets.rooms.train.metric import Metric
    from mlops_assets.rooms.train.training_set import Examples
    from mlops_assets.spec.plan import ModelPlan

    Mask = NDArray[np.bool_]
    Moment = np.datetime64

EXPANDING: Final = "expanding"
SEASONAL: Final = "seasonal"
ORIGINS: Final = 2
"""Stretches, each as long as the holdout, that are predicted from what came before them."""
MAX_ROWS: Final = 20_000
MIN_ROWS: Final = 200
YEAR: Final = 365.25
SEASON: Final = 45.0
"""Days to either side of the predicted stretch's middle that count as its season."""

Inside = Callable[["NDArray[np.datetime64]", "Moment", "Moment"], "Mask"]
"""(times, start and end of the predicted stretch) to the rows that may be trained on."""


@dataclass(frozen=True)
class Window:
    """What a back-test chose.

    Attributes:
        name: `expanding`, `seasonal`, or `sliding` with its length.
        reason: why, with every window's figure.
        figures: window to the objective, averaged over the stretches; only those that could be tried.
    """

    name: str
    reason: str
    figures: Mapping[str, float]


def asked(plan: "ModelPlan") -> bool:
    """Whether any window is declared."""
    return bool(plan.model.train.windows or plan.model.train.seasonal)


def choose(examples: "Examples", plan: "ModelPlan") -> Window | None:
    """Back-test the declared windows; None where none is declared, or there is no time to look back in.

    All there is stands unless another window is better by `train.margin`: a shorter memory has to earn its place.
    """
    declared = plan.model.train
    if examples.times is None or not asked(plan):
        return None
    objective = metrics_of(plan, examples.task)[examples.task.objective(plan.model)]
    tried = {name: _figure(examples, plan, objective, inside) for name, inside in _windows(plan).items()}
    figures = {name: figure for name, figure in tried.items() if figure is not None}
    if EXPANDING not in figures:
        return Window(EXPANDING, "too little history for a back-test: all there is", figures)
    best = max(figures, key=lambda name: objective.gain(figures[name], figures[EXPANDING]))
    gain = objective.gain(figures[best], figures[EXPANDING])
    chosen = best if gain > declared.margin else EXPANDING
    told = ", ".join(f"{name} {figure:.4f}" for name, figure in figures.items())
    left = ", ".join(name for name in tried if name not in figures)
    why = f"{objective.name} over {ORIGINS} stretches of {duration_text(declared.holdout)}: {told}"
    return Window(chosen, f"{chosen}: {why}" + (f"; not enough history for {left}" if left else ""), figures)


def kept(window: Window, times: "NDArray[np.datetime64]", held: "NDArray[np.datetime64]", plan: "ModelPlan") -> "Mask":
    """Which of the training rows lie in a window, seen from the held-out rows."""
    return _windows(plan)[window.name](times, held.min(), held.max())


def _windows(plan: "ModelPlan") -> dict[str, Inside]:
    train = plan.model.train
    found: dict[str, Inside] = {EXPANDING: lambda times, start, _: times < start}
    found |= {f"sliding {duration_text(length)}": _sliding(length) for length in train.windows}
    return {**found, SEASONAL: _season} if train.seasonal else found


def _sliding(length: timedelta) -> Inside:
    import numpy as np

    back = np.timedelta64(round(length.total_seconds()), "s")
    return lambda times, start, _: (times < start) & (times >= start - back)


def _season(times: "NDArray[np.datetime64]", start: "Moment", end: "Moment") -> "Mask":
    import numpy as np

    middle = start + (end - start) / 2
    days = (times - middle) / np.timedelta64(1, "D")
    apart = np.abs((days + YEAR / 2) % YEAR - YEAR / 2)
    mask: Mask = (times < start) & (apart <= SEASON)
    return mask


def _figure(examples: "Examples", plan: "ModelPlan", objective: "Metric", inside: Inside) -> float | None:
    """The objective over the stretches; None where a window holds too little, or no more than all there is."""
    import numpy as np

    assert examples.times is not None  # noqa: S101 - the caller looked
    times, length = examples.times, np.timedelta64(round(plan.model.train.holdout.total_seconds()), "s")
    figures = []
    for back in range(ORIGINS):
        end = times.max() - back * length
        asked = (times > end - length) & (times <= end)
        learnt = inside(times, end - length, end)
        if learnt.sum() < MIN_ROWS or examples.task.undecided(examples.labels[learnt]) or not asked.any():
            return None
        figures.append(_scored(examples, plan, objective, _thinned(learnt), asked))
    return float(np.mean(figures))


def _scored(examples: "Examples", plan: "ModelPlan", objective: "Metric", learnt: "Mask", asked: "Mask") -> float:
    task = examples.task
    names = plan.model.train.candidates or DEFAULTS[task.name]
    data = examples.frame[learnt]
    built = candidate(task.name, names[-1], plan.place)(present(examples.features, data), plan.model.train.seed)
    with one_thread():
        pipeline = built.fit(data, task.targets(examples.labels[learnt]))
        return objective(examples.labels[asked], task.scores(pipeline, examples.frame[asked]))


def _thinned(rows: "Mask") -> "Mask":
    import numpy as np

    places = np.flatnonzero(rows)
    thin = np.zeros(len(rows), dtype=bool)
    thin[places[:: -(-len(places) // MAX_ROWS)]] = True
    return thin
