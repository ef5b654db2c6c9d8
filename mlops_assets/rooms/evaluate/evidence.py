"""What the gates look at: challenger and champion on the same rows, which neither was trained on."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from mlops_assets import keys
from mlops_assets.errors import NotFound, TrainingError
from mlops_assets.rooms.label.tasks import of_manifest
from mlops_assets.rooms.train import twin
from mlops_assets.rooms.train.bootstrap import MIN_BLOCKS, Bootstrap, Interval
from mlops_assets.rooms.train.fit import manifest_of
from mlops_assets.rooms.train.identity import ingredients
from mlops_assets.rooms.train.inputs import frame, from_manifest
from mlops_assets.rooms.train.metric import Metric
from mlops_assets.rooms.train.own import metrics_of
from mlops_assets.rooms.train.threads import one_thread
from mlops_assets.rooms.train.training_set import Examples, examples

if TYPE_CHECKING:
    from mlops_assets.rooms.label.task import Task
    from mlops_assets.rooms.train.metric import Floats, Ints
    from mlops_assets.spec.model import Model
    from mlops_assets.spec.plan import ModelPlan
    from mlops_assets.stores.lake import Lake
    from mlops_assets.stores.lineage import Lineage, Record
    from mlops_assets.stores.registry import Bundle, Registry

GUESS: Final = "the simplest guess"
RECIPE: Final = ("task", "candidate", "parameters", "features", "objective")
"""What two manifests agree on where one recipe made both."""


@dataclass(frozen=True)
class Scored:
    """A model version and its scores of the holdout rows.

    Attributes:
        number: in the registry.
        digest: of its bytes.
        manifest: what it is.
        scores: of the rows, in their order, as the judged task counts them.
        bundle: the version as it would be served; None where only its scores are at hand.
        twin_until: the newest row behind the scores, ISO, where a twin of the version gave them.
    """

    number: int
    digest: str
    manifest: Mapping[str, Any]
    scores: "Floats"
    bundle: "Bundle | None" = None
    twin_until: str | None = None


@dataclass(frozen=True)
class Evidence:
    """Two models on the same rows.

    Attributes:
        plan: the declaration, with what is asked of a challenger.
        holdout: the rows.
        challenger: who wants the place.
        champion: who holds it; None for the first model.
    """

    plan: "ModelPlan"
    holdout: "Examples"
    challenger: Scored
    champion: Scored | None

    @property
    def model(self) -> "Model":
        """The declaration."""
        return self.plan.model

    @property
    def task(self) -> "Task":
        """What is asked of the models."""
        return self.holdout.task

    @cached_property
    def metrics(self) -> Mapping[str, Metric]:
        """Every metric that can be asked of them, the user's own among them."""
        return metrics_of(self.plan, self.task)

    @property
    def labels(self) -> "Floats":
        """The outcomes, as the task counts them."""
        return self.holdout.labels

    @property
    def blocks(self) -> "Ints":
        """The day of each row, or its group."""
        return self.holdout.blocks

    @property
    def bootstrap(self) -> Bootstrap:
        """The declared resampling."""
        return Bootstrap(self.model.evaluate.resamples, self.model.evaluate.confidence, self.model.train.seed)

    @property
    def objective(self) -> Metric:
        """The metric that decides."""
        return self.metrics[self.task.objective(self.model)]

    @property
    def incumbent(self) -> "Floats":
        """The scores to beat: the champion's, or for a first model the rates or the mean that it was trained on."""
        import numpy as np

        if self.champion:
            return self.champion.scores
        known = np.array(self.challenger.manifest["baseline"], dtype=np.float64)
        return self.task.constant(known[None, :] if self.task.classes else known, len(self.labels))

    @property
    def incumbent_name(self) -> str:
        """Who is to be beaten, in words."""
        return f"version {self.champion.number}" if self.champion else GUESS

    @property
    def lenient(self) -> bool:
        """Whether only what is clear of chance refuses: so declared, of a challenger of the champion's own recipe."""
        champion, challenger = self.champion, self.challenger
        if champion is None or self.model.evaluate.proof != "not_worse":
            return False
        return all(champion.manifest.get(part) == challenger.manifest.get(part) for part in RECIPE)

    def interval(self, name: str) -> Interval | None:
        """Of the challenger's figure; None where there are too few days for an interval."""
        import numpy as np

        if len(np.unique(self.blocks)) < MIN_BLOCKS:
            return None
        return self.bootstrap.interval(self.metrics[name], self.labels, self.challenger.scores, self.blocks)

    def difference(self, name: str) -> Interval:
        """By how much the challenger is better than the incumbent; positive is better."""
        return self.bootstrap.difference(
            self.metrics[name], self.labels, self.challenger.scores, self.incumbent, self.blocks
        )


def score(bundle: "Bundle", holdout: "Examples") -> Scored:
    """A model's scores of the holdout rows, each model fed the features that it was trained on.

    Raises:
        TrainingError: the rows lack a feature of the model, or it answers another kind of question.
    """
    manifest = manifest_of(bundle.files)
    data, own = frame(holdout.rows, from_manifest(manifest)), of_manifest(manifest)
    if own.name != holdout.task.name:
        raise TrainingError.of(
            f"version {bundle.version.number} answers another kind of question", got=own.name, allowed=holdout.task.name
        )
    with one_thread():
        scores = holdout.task.aligned(own.scores(bundle.pipeline, data), own.classes)
    if len(scores) != len(holdout.labels):
        raise TrainingError.of("a model answered another number of rows", got=len(scores), allowed=len(holdout.labels))
    return Scored(bundle.version.number, bundle.version.digest, manifest, scores, bundle)


def _challenging(bundle: "Bundle", holdout: "Examples") -> Scored:
    """A challenger's scores; its twin's where it has learnt from the held-out rows itself."""
    if twin.JUDGED not in bundle.files:
        return score(bundle, holdout)
    manifest, version = manifest_of(bundle.files), bundle.version
    scores = twin.scores(bundle.files, holdout)
    return Scored(version.number, version.digest, manifest, scores, bundle, manifest["twin_until"])


def _judged(lineage: "Lineage", model: str, number: int) -> "Record | None":
    """The verdict of a version that the newest request led to, whatever it said."""
    request, verdict = lineage.latest("retrain_request", model), lineage.latest("verdict", model)
    if request is None or verdict is None or verdict.body["challenger"] != number:
        return None
    return verdict if verdict.sequence > request.sequence else None


def gather(lake: "Lake", registry: "Registry", lineage: "Lineage", plan: "ModelPlan") -> Evidence:
    """Score the challenger of the newest training set and the champion on the same held-out rows.

    One that was released by the verdict that the newest request led to is held against whom it was held against then:
    a run that was killed after the release judges again as it did before.

    Raises:
        NotFound: no challenger was trained on the newest training set.
    """
    version = registry.by_identity(plan.name, ingredients(lake, plan).identity)
    if version is None:
        step = f"materialize {plan.name}/challenger"
        raise NotFound.of(f"no challenger of the newest training set of model '{plan.name}'", step=step)
    holdout = examples(lake.read(keys.table(plan.name, "training_set")), plan, "holdout")
    challenger, champion = _challenging(registry.load(version), holdout), registry.champion(plan.name)
    if champion is not None and champion.number == version.number:
        judged = _judged(lineage, plan.name, version.number)
        if judged is None:
            return Evidence(plan, holdout, challenger, challenger)
        before = judged.body["champion"]
        champion = None if before is None else registry.get(plan.name, before)
    return Evidence(plan, holdout, challenger, score(registry.load(champion), holdout) if champion else None)
