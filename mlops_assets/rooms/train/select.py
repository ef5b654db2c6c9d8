"""Which candidate is worth its complexity: each is scored on stretches of time that it was not trained on."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from mlops_assets.errors import TrainingError
from mlops_assets.rooms.train.bootstrap import Bootstrap, Interval, day_blocks
from mlops_assets.rooms.train.candidates import DEFAULTS, Builder, candidate
from mlops_assets.rooms.train.inputs import present
from mlops_assets.rooms.train.metrics import METRICS
from mlops_assets.rooms.train.own import metrics_of
from mlops_assets.rooms.train.threads import one_thread

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.pipeline import Pipeline

    from mlops_assets.rooms.label.task import Task
    from mlops_assets.rooms.train.bootstrap import Times
    from mlops_assets.rooms.train.metric import Floats, Ints
    from mlops_assets.rooms.train.training_set import Examples
    from mlops_assets.spec.plan import ModelPlan

FOLDS: Final = 3
MAX_ROWS: Final = 40_000
SLOW: Final = frozenset({"average_precision"})
"""Not tracked on the leaderboard unless it is the objective."""

Build = Callable[["pd.DataFrame"], "Pipeline"]


@dataclass(frozen=True)
class Entry:
    """One candidate's figures over rows that it was not trained on.

    Attributes:
        candidate: name.
        objective: the model's objective.
        gain: by how much it beats the best simpler one, positive is better; NaN for the first.
        low: lower bound of the gain.
        high: upper bound of the gain.
        kept: whether it is worth its complexity.
        reason: why, in plain words.
        rows: that were scored.
        skill: one less its loss over that of the base rate or mean known to each fold.
        seconds: of fitting and scoring, all folds; 0 when the figures were read back.
        metrics: every metric by name.
    """

    candidate: str
    objective: float
    gain: float
    low: float
    high: float
    kept: bool
    reason: str
    rows: int
    skill: float
    seconds: float = field(compare=False)
    metrics: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Leaderboard:
    """Every candidate, and the one that was chosen.

    Attributes:
        entries: from simple to complex.
        chosen: the name.
        objective: the metric by which they were compared.
        positions: which training rows were scored, in their fixed order.
        scores: the chosen one's, of those rows, out of fold.
        task: that they answer.
    """

    entries: tuple[Entry, ...]
    chosen: str
    objective: str
    positions: "Ints"
    scores: "Floats"
    task: "Task"

    @property
    def winner(self) -> Entry:
        """The chosen candidate's figures."""
        return next(entry for entry in self.entries if entry.candidate == self.chosen)


def leaderboard(examples: "Examples", plan: "ModelPlan") -> Leaderboard:
    """Try every candidate on contiguous blocks of time, and keep the simplest that no complex one clearly beats."""
    import numpy as np

    stride = -(-len(examples.labels) // MAX_ROWS)
    positions = np.arange(0, len(examples.labels), stride, dtype=np.int64)
    labels = examples.labels[positions]
    times = None if examples.times is None else examples.times[positions]
    data, folds, task = examples.frame.iloc[positions], time_folds(times, len(positions)), examples.task

    def scored(builder: Builder) -> "Floats":
        def build(rows: "pd.DataFrame") -> "Pipeline":
            return builder(present(examples.features, rows), plan.model.train.seed)

        return out_of_fold(build, data, labels, folds, task)

    simplest = scored(candidate(task.name, DEFAULTS[task.name][0], plan.place))
    rival = _Rival(plan, task, labels, day_blocks(times, len(positions)), simplest)
    for name in plan.model.train.candidates or DEFAULTS[task.name]:
        begun = time.perf_counter()
        scores = scored(candidate(task.name, name, plan.place))
        rival.meet(name, scores, time.perf_counter() - begun)
    return Leaderboard(tuple(rival.entries), rival.name, task.objective(plan.model), positions, rival.scores, task)


def time_folds(times: "Times | None", rows: int, count: int = FOLDS) -> "Ints":
    """The fold of each row: contiguous stretches of whole days with about equal rows; without time, every third row."""
    import numpy as np

    if times is None:
        return np.arange(rows, dtype=np.int64) % count
    _, codes = np.unique(times.astype("datetime64[D]"), return_inverse=True)
    before = np.cumsum(np.bincount(codes)) - np.bincount(codes) / 2
    of_day = np.minimum((before * count / rows).astype(np.int64), count - 1)
    return np.asarray(of_day[codes], dtype=np.int64)


def out_of_fold(build: Build, data: "pd.DataFrame", outcomes: "Floats", folds: "Ints", task: "Task") -> "Floats":
    """Each row's score by a model that was built for the other folds and trained on them.

    Raises:
        TrainingError: the other folds of a fold hold one class or value only.
    """
    import numpy as np

    scores = task.constant(task.baseline(outcomes) * np.nan, len(outcomes))
    for fold in np.unique(folds):
        inside = folds == fold
        why = task.undecided(outcomes[~inside])
        if why:
            raise TrainingError.of(
                f"a stretch of the training rows holds {why}",
                step="wait for more labels, or widen train.window",
            )
        learnt = data[~inside]
        with one_thread():
            pipeline = build(learnt).fit(learnt, task.targets(outcomes[~inside]))
            scores[inside] = task.scores(pipeline, data[inside])
    return scores


class _Rival:
    """The best candidate so far, as the more complex ones come one after the other."""

    def __init__(self, plan: "ModelPlan", task: "Task", labels: "Floats", blocks: "Ints", base: "Floats") -> None:
        model = plan.model
        self.name = ""
        self.scores: Floats
        self.entries: list[Entry] = []
        self._metrics = metrics_of(plan, task)
        self._margin, self._objective = model.train.margin, self._metrics[task.objective(model)]
        self._bootstrap = Bootstrap(model.evaluate.resamples, model.evaluate.confidence, model.train.seed)
        self._labels, self._blocks = labels, blocks
        self._loss = METRICS[task.loss]
        self._base = self._loss(labels, base)

    def meet(self, name: str, scores: "Floats", seconds: float) -> None:
        """Judge the next candidate, and let it take the place when it is clearly better."""
        gain = self._gain(scores)
        kept, reason = self._judged(gain)
        figures = {name: known(self._labels, scores) for name, known in self._metrics.items() if name not in SLOW}
        figures[self._objective.name] = self._objective(self._labels, scores)
        bounds = (gain.figure, gain.low, gain.high) if gain else (float("nan"),) * 3
        skill = 1 - self._loss(self._labels, scores) / self._base if self._base else 0.0
        objective = figures[self._objective.name]
        self.entries.append(Entry(name, objective, *bounds, kept, reason, len(scores), skill, seconds, figures))
        if kept:
            self.name, self.scores = name, scores

    def _gain(self, scores: "Floats") -> Interval | None:
        if not self.name:
            return None
        return self._bootstrap.difference(self._objective, self._labels, scores, self.scores, self._blocks)

    def _judged(self, gain: Interval | None) -> tuple[bool, str]:
        if gain is None:
            return True, "the simplest"
        said = f"{gain.figure:+.4f} [{gain.low:+.4f}, {gain.high:+.4f}] against {self.name}"
        if gain.low <= 0:
            return False, f"{said}: not clear of zero"
        if gain.figure < self._margin:
            return False, f"{said}: less than the margin {self._margin:g}"
        return True, f"{said}: worth its complexity"
