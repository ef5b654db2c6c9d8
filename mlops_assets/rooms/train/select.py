"""Which candidate is worth its complexity: each is scored on stretches of time that it was not trained on."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from mlops_assets.rooms.train.bootstrap import Bootstrap, Interval
from mlops_assets.rooms.train.candidates import DEFAULTS, Builder, candidate
from mlops_assets.rooms.train.explanation import coefficients, importance
from mlops_assets.rooms.train.ground import Ground
from mlops_assets.rooms.train.identity import canonical
from mlops_assets.rooms.train.metrics import METRICS
from mlops_assets.rooms.train.own import metrics_of
from mlops_assets.rooms.train.running import Running

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from mlops_assets.rooms.label.task import Task
    from mlops_assets.rooms.train.metric import Floats, Ints
    from mlops_assets.rooms.train.training_set import Examples
    from mlops_assets.rooms.train.tuning import Variant
    from mlops_assets.spec.place import Place
    from mlops_assets.spec.plan import ModelPlan

SLOW: Final = frozenset({"average_precision"})
"""Not tracked on the leaderboard unless it is the objective."""


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
        running: what it takes.
        estimator: the candidate whose variant it is; empty when it is none.
        parameters: of the variant, as JSON.
        coefficients: of a linear model, as JSON.
        importance: of each feature, of the chosen one, as JSON.
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
    running: Running
    estimator: str = ""
    parameters: str = ""
    coefficients: str = ""
    importance: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)

    def builder(self, task: "Task", place: "Place") -> Builder:
        """What builds it."""
        made = candidate(task.name, self.estimator or self.candidate, place)
        return partial(made, **json.loads(self.parameters)) if self.parameters else made


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

    @property
    def searched(self) -> str:
        """The variant that a search had found, chosen or not, as JSON; empty when there was no search."""
        found = [entry for entry in self.entries if entry.parameters]
        told = ({"name": e.candidate, "estimator": e.estimator, "parameters": json.loads(e.parameters)} for e in found)
        return next((canonical(each) for each in told), "")


def leaderboard(examples: "Examples", plan: "ModelPlan", tuned: "Variant | None" = None) -> Leaderboard:
    """Try every candidate on contiguous blocks of time, and keep the simplest that no complex one clearly beats.

    Args:
        examples: to train on.
        plan: the declaration.
        tuned: what a search found; it comes last, as the most complex.
    """
    task, ground = examples.task, Ground.of(examples, seed=plan.model.train.seed)
    simplest = ground.scores(candidate(task.name, DEFAULTS[task.name][0], plan.place))
    rival = _Rival(plan, task, ground.outcomes, ground.blocks, simplest)
    for name in plan.model.train.candidates or DEFAULTS[task.name]:
        rival.try_out(name, ground, candidate(task.name, name, plan.place))
    if tuned:
        builder = partial(candidate(task.name, tuned.estimator, plan.place), **tuned.parameters)
        rival.try_out(tuned.name, ground, builder, tuned)
    rival.explain(ground)
    objective = task.objective(plan.model)
    return Leaderboard(tuple(rival.entries), rival.name, objective, ground.positions, rival.scores, task)


class _Rival:
    """The best candidate so far, as the more complex ones come one after the other."""

    def __init__(self, plan: "ModelPlan", task: "Task", labels: "Floats", blocks: "Ints", base: "Floats") -> None:
        model = plan.model
        self.name = ""
        self.scores: Floats
        self._last: Pipeline
        self.entries: list[Entry] = []
        self._metrics = metrics_of(plan, task)
        self._margin, self._objective = model.train.margin, self._metrics[task.objective(model)]
        self._bootstrap = Bootstrap(model.evaluate.resamples, model.evaluate.confidence, model.train.seed)
        self._labels, self._blocks = labels, blocks
        self._loss = METRICS[task.loss]
        self._base = self._loss(labels, base)

    def try_out(self, name: str, ground: Ground, builder: Builder, tuned: "Variant | None" = None) -> None:
        """Score the next candidate, judge it, and let it take the place when it is clearly better."""
        begun = time.perf_counter()
        last: list[Pipeline] = []
        scores = ground.scores(builder, lambda _, __, pipeline: last.append(pipeline))
        running = Running.of(ground, last[-1], time.perf_counter() - begun)
        self._meet(name, scores, running, tuned)
        weights = coefficients(last[-1])
        self.entries[-1] = replace(self.entries[-1], coefficients=canonical(dict(weights)) if weights else "")
        if self.name == name:
            self._last = last[-1]

    def explain(self, ground: Ground) -> None:
        """Say what the chosen one looks at."""
        found = importance(ground, self._last, self._objective)
        chosen = next(place for place, entry in enumerate(self.entries) if entry.candidate == self.name)
        self.entries[chosen] = replace(self.entries[chosen], importance=canonical(found))

    def _meet(self, name: str, scores: "Floats", running: Running, tuned: "Variant | None") -> None:
        gain = self._gain(scores)
        kept, reason = self._judged(gain)
        figures = {name: known(self._labels, scores) for name, known in self._metrics.items() if name not in SLOW}
        figures[self._objective.name] = self._objective(self._labels, scores)
        bounds = (gain.figure, gain.low, gain.high) if gain else (float("nan"),) * 3
        skill = 1 - self._loss(self._labels, scores) / self._base if self._base else 0.0
        objective = figures[self._objective.name]
        found = Entry(name, objective, *bounds, kept, reason, len(scores), skill, running, metrics=figures)
        if tuned:
            found = replace(found, estimator=tuned.estimator, parameters=canonical(dict(tuned.parameters)))
        self.entries.append(found)
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
