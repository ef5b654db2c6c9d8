"""Two fits that answer together: the new one, and the champion's own, which has another luck with the same recipe.

How a fit extrapolates to the next weeks is partly chance. The mean of two that were made at different times loses less
(Dietterich, 2000, Multiple Classifier Systems), and costs no training: the older one is there already.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mlops_assets.errors import TrainingError
from mlops_assets.rooms.train.inputs import from_manifest

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from mlops_assets.rooms.train.training_set import Examples
    from mlops_assets.stores.registry import Bundle

STEP: Final = "blend"
"""The one step of a pipeline of two fits."""


@dataclass(frozen=True)
class Before:
    """An earlier fit, to answer beside a new one.

    Attributes:
        pipeline: the fit alone, not what it had been blended with.
        version: whose it is.
        digest: of that version's bytes.
        weight: of its answers.
    """

    pipeline: "Pipeline"
    version: int
    digest: str
    weight: float

    @property
    def note(self) -> dict[str, Any]:
        """As the manifest of the blend keeps it."""
        return {"version": self.version, "digest": self.digest, "weight": self.weight}


def before(champion: "Bundle", manifest: Mapping[str, Any], examples: "Examples", weight: float) -> Before | None:
    """The champion's own fit; None where it answers another question than the examples, or takes another input."""
    task = examples.task
    if (manifest["task"], tuple(manifest["classes"])) != (task.name, task.classes):
        return None
    if tuple(from_manifest(manifest)) != examples.features:
        return None
    return Before(newest(champion.pipeline), champion.version.number, champion.version.digest, weight)


def blended(pipeline: "Pipeline", other: Before | None) -> "Pipeline":
    """A pipeline whose answer is the weighted mean of both; without another, the given one.

    Raises:
        TrainingError: one of them has seen a class that the other has not.
    """
    from sklearn.ensemble import VotingClassifier, VotingRegressor
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import LabelEncoder

    if other is None:
        return pipeline
    fits, weights = [pipeline, other.pipeline], [1 - other.weight, other.weight]
    named = list(zip(("newest", "before"), fits, strict=True))
    if hasattr(pipeline, "predict_proba"):
        known = [fit.classes_.tolist() for fit in fits]
        if known[0] != known[1]:
            step = "leave train.blend out until the champion knows every class"
            raise TrainingError.of("two fits that know other classes cannot be blended", got=known, step=step)
        both = VotingClassifier(named, voting="soft", weights=weights)
        both.le_ = LabelEncoder().fit(pipeline.classes_)
        both.classes_ = both.le_.classes_
    else:
        both = VotingRegressor(named, weights=weights)
    both.estimators_ = fits
    return Pipeline([(STEP, both)])


def newest(pipeline: "Pipeline") -> "Pipeline":
    """The fit that is a version's own."""
    return pipeline.named_steps[STEP].estimators_[0] if STEP in pipeline.named_steps else pipeline


def older(pipeline: "Pipeline") -> "Pipeline":
    """The fit that a version's own was blended with."""
    fit: Pipeline = pipeline.named_steps[STEP].estimators_[1]
    return fit
