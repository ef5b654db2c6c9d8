"""A search over the training rows: what it measures, and what is kept of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mlops_assets.errors import TrainingError
from mlops_assets.rooms.train.candidates import candidate
from mlops_assets.rooms.train.ground import Ground
from mlops_assets.rooms.train.metric import Metric
from mlops_assets.rooms.train.own import metrics_of
from mlops_assets.rooms.train.search import Found, Plan, Tried, search
from mlops_assets.rooms.train.threads import cores

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from mlops_assets.rooms.train.metric import Floats
    from mlops_assets.rooms.train.training_set import Examples
    from mlops_assets.spec.plan import ModelPlan

JOURNAL: Final = "journal.log"
Told = Callable[[Tried, int], None]


@dataclass(frozen=True)
class Variant:
    """A variant of a candidate.

    Attributes:
        name: under which it stands on the leaderboard.
        estimator: the candidate whose variant it is.
        parameters: of the variant.
    """

    name: str
    estimator: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True)
class Tuned(Variant):
    """The best variant, or the best few that answer together.

    Attributes:
        found: the whole search.
    """

    found: Found


def tune(examples: "Examples", plan: "ModelPlan", *, name: str, folder: Path, told: Told = lambda *_: None) -> Tuned:
    """Look for the best variants by going forward in time: each stretch is scored by models of the earlier ones.

    A search looks at so many variants that it would find what only fits the past as seen from later; without an event
    time the stretches are parts drawn by position, each scored by models of the others.

    Args:
        examples: to train on.
        plan: the declaration.
        name: of the search; the same name takes up the same search.
        folder: where a model's searches are kept.
        told: called with each variant, and how many are settled.

    Raises:
        TrainingError: Optuna is not installed.
    """
    _installed()
    task, wanted = examples.task, plan.model.train
    ground = Ground.of(examples, seed=wanted.seed, rows=wanted.search.rows, forward=True)
    objective = metrics_of(plan, task)[task.objective(plan.model)]

    def measure(estimator: str, parameters: Mapping[str, Any], report: Callable[[int, float], bool]) -> float:
        builder = partial(candidate(task.name, estimator, plan.place), **parameters)

        def watch(done: int, scores: "Floats", _: "Pipeline") -> None:
            import optuna

            if report(done, _figure(objective, ground, scores)):
                raise optuna.TrialPruned

        return _figure(objective, ground, ground.scores(builder, watch, workers=cores()))

    given = Plan(wanted.search, name, folder / JOURNAL, wanted.seed, objective.greater_is_better)
    found = search(given, measure, told)
    best = found.first(wanted.search.voters, greater_is_better=objective.greater_is_better)
    if len(best) == 1:
        return Tuned(f"tuned_{found.best.estimator}", found.best.estimator, found.best.parameters, found)
    members = [{"estimator": each.estimator, "parameters": dict(each.parameters)} for each in best]
    return Tuned("tuned_vote", "vote", {"members": members}, found)


def _figure(objective: Metric, ground: Ground, scores: "Floats") -> float:
    """Of the rows that have a score."""
    import numpy as np

    scored = np.isfinite(scores.reshape(len(scores), -1)[:, 0])
    return objective(ground.outcomes[scored], scores[scored])


def _installed() -> None:
    try:
        import optuna  # noqa: F401 - asked for here, so that the error says what to do
    except ModuleNotFoundError as missing:
        raise TrainingError.of("Optuna is not installed", step="pip install 'mlops_assets[search]'") from missing
