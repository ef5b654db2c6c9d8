"""Figures of merit of the user's own, such as the cost of a missed delay, beside the registered ones."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mlops_assets.errors import SpecError
from mlops_assets.rooms.train.metric import Metric, mean
from mlops_assets.rooms.train.metrics import METRICS

if TYPE_CHECKING:
    from mlops_assets.rooms.label.task import Task
    from mlops_assets.rooms.train.metric import Floats, Ints
    from mlops_assets.spec.model import OwnMetric
    from mlops_assets.spec.place import Place
    from mlops_assets.spec.plan import ModelPlan

Function = Callable[["Floats", "Floats"], Any]
"""(outcomes, scores) to a value a row, whose mean is the figure; or to the figure."""


def metrics_of(plan: "ModelPlan", task: "Task") -> dict[str, Metric]:
    """Every metric that can be asked of a model: those of its task, and its own.

    Raises:
        SpecError: a function of the user's is not there.
    """
    registered = {known.name: known for known in METRICS.values() if task.name in known.tasks}
    own = {name: own_metric(name, given, plan.place, task) for name, given in plan.model.metrics.items()}
    return {**registered, **own}


def own_metric(name: str, given: "OwnMetric", place: "Place", task: "Task") -> Metric:
    """A user's function as a metric; one that gives a value a row is resampled as fast as the registered ones."""
    function: Function = place.load(given.function)

    def resampled(outcomes: "Floats", scores: "Floats", blocks: "Ints", weights: "Floats") -> "Floats":
        import numpy as np

        found = np.asarray(function(outcomes, scores), dtype=np.float64)
        if found.ndim == 0:
            return _drawn(function, outcomes, scores, blocks, weights)
        if found.shape != outcomes.shape:
            raise SpecError.of(
                f"metric '{name}' gives neither a figure nor a value a row",
                got=f"shape {found.shape}",
                allowed=f"() or {outcomes.shape}",
                step=f"mend {given.function}",
            )
        return mean(found, blocks, weights)

    described = given.description or f"{given.function}, of this model's own."
    return Metric(name, given.greater_is_better, described, resampled, (task.name,))


def _drawn(function: Function, outcomes: "Floats", scores: "Floats", blocks: "Ints", weights: "Floats") -> "Floats":
    """The function's figure of each resample's rows."""
    import numpy as np

    figures = np.empty(len(weights))
    for place, drawn in enumerate(weights):
        rows = np.repeat(np.arange(len(outcomes)), drawn[blocks].astype(np.int64))
        figures[place] = function(outcomes[rows], scores[rows])
    return figures
