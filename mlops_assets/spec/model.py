"""A Model: a target over feature tables, how to train, judge, watch and retrain it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Final, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from mlops_assets.errors import UnknownName
from mlops_assets.spec.base import Column, Duration, Name, Reference, Spec, Sql
from mlops_assets.spec.release import Release
from mlops_assets.spec.retention import Retention
from mlops_assets.spec.retrain import Expiry, Retrain
from mlops_assets.spec.search import Search
from mlops_assets.spec.serve import Serve
from mlops_assets.spec.window import DeclaredWindows, Windows

Share = Annotated[float, Field(gt=0, lt=1)]
TaskName = Literal["binary", "multiclass", "regression"]
OBJECTIVES: Final[Mapping[TaskName, tuple[str, ...]]] = {
    "binary": ("roc_auc", "average_precision", "log_loss", "brier"),
    "multiclass": ("log_loss", "accuracy", "macro_f1", "roc_auc_ovr", "brier"),
    "regression": ("rmse", "mae", "r2"),
}
"""The metrics that may decide, a task; the first is what decides when nothing is declared."""
GUARDS: Final[Mapping[TaskName, Mapping[str, float]]] = {
    "binary": {"brier": 0.005},
    "multiclass": {"brier": 0.01},
    "regression": {"r2": 0.01},
}
"""What is guarded when nothing is declared."""


class Target(Spec):
    """What is to be predicted, and when it is known."""

    column: Column
    """The label's name; a column of the dataset unless `expression` says how it is made."""
    expression: Sql | None = None
    """SQL over the dataset's columns; null: the row has no label."""
    known_after: Duration = timedelta(0)
    """How long after the event time every outcome is taken as known."""
    classes: tuple[str, ...] = ()
    """The answers that a multiclass label may be; left out: those seen so far."""
    excluded: dict[Name, Sql] = Field(default_factory=dict)
    """Reason to SQL condition: rows that can have no label are counted under the first reason that holds."""


class OwnMetric(Spec):
    """A figure of merit of the user's own, such as the cost of a missed delay."""

    function: Reference
    """(outcomes, scores) to a value a row, whose mean is the figure; or to the figure itself."""
    greater_is_better: bool = False
    """Its direction; a cost is better when it is less."""
    description: str = ""


class Train(Spec):
    """How a challenger is trained."""

    min_history: Duration = timedelta(0)
    """The event time that labels must span before the first model."""
    min_labels: Annotated[int, Field(ge=50)] = 500
    """The matured labels needed before the first model."""
    window: Duration | None = None
    """How far back training looks; left out: all there is."""
    windows: tuple[Duration, ...] = ()
    """Lengths that a back-test tries besides all there is (`window`, or everything); the best is taken."""
    seasonal: bool = False
    """Whether the back-test also tries the same season of every year alone."""
    holdout: Duration = timedelta(days=28)
    """The latest stretch, never trained on, on which champion and challenger are judged."""
    holdout_share: Share = 0.2
    """The share of rows held out where there is no event time."""
    group: Column | None = None
    """A column of the dataset, such as the patient: rows of one value never stand on both sides of a split."""
    candidates: tuple[str, ...] | None = None
    """From simple to complex; a complex one must beat the simple one. Left out: those of the task."""
    search: Search = Search()
    """Variants of an estimator that are tried after the candidates."""
    margin: Annotated[float, Field(ge=0)] = 0.002
    """By how much of the objective."""
    refit: bool = False
    """Whether a challenger learns from the held-out rows, too; a twin that has not seen them is judged for it."""
    blend: Share | None = None
    """The weight of the champion's own fit in a challenger's answers, beside the new one; left out: it has none."""
    seed: int = 0


class Limits(Spec):
    """What a model may cost where it is served."""

    latency_ms: Annotated[float, Field(gt=0)] = 250.0
    """Milliseconds to answer one row, the median of a few."""
    memory_mb: Annotated[float, Field(gt=0)] = 500.0
    """Megabytes to read the model back and answer a thousand rows."""
    size_mb: Annotated[float, Field(gt=0)] = 50.0
    """Megabytes of its files."""
    throughput: Annotated[float, Field(gt=0)] | None = None
    """Answers a second that the prediction service must give at the knee, where `mlops stress` has measured it."""


class Costs(Spec):
    """What a wrong answer of a binary model costs, in any one unit."""

    miss: Annotated[float, Field(ge=0)]
    """To answer no where it happens."""
    false_alarm: Annotated[float, Field(ge=0)]
    """To answer yes where it does not."""


class Evaluate(Spec):
    """What a challenger must show."""

    gates: tuple[str, ...] | None = None
    """The gates that are asked, by name, or `module:function`; left out: all of them. None at all is a refusal."""
    limits: Limits = Limits()

    min_rows: Annotated[int, Field(ge=30)] = 100
    """Rows to judge on, at least: with fewer the verdict is a refusal."""
    confidence: Share = 0.95
    """Of every interval."""
    proof: Literal["better", "not_worse"] = "better"
    """Asked of a challenger of the champion's own recipe: to be clearly better, or only not to be clearly worse."""
    resamples: Annotated[int, Field(ge=100, le=20_000)] = 500
    """Bootstrap resamples over days."""
    guard: dict[str, Annotated[float, Field(ge=0)]] | None = None
    """Other metrics, and by how much they may be worse than the champion's; left out: one of the task."""
    slices: tuple[Column, ...] = ()
    """Features by whose values the evaluation is broken down."""
    groups: tuple[Column, ...] = ()
    """Features whose values are groups that must be treated alike: fairness is told for them."""
    costs: Costs | None = None
    """What wrong answers cost; the report says from which probability on a yes pays."""
    evidently: bool = False
    """Whether Evidently's page of the same rows is made as well; it takes some seconds a verdict."""


class Monitor(Spec):
    """When a window counts as drifted or worse."""

    window: DeclaredWindows = Windows()
    """What is judged at once: `batch`, so many answers such as `5000 rows`, or a stretch of time such as `7d`."""
    false_alarm_rate: Share = 0.05
    """Stated a window, of each alarm."""


class Model(Spec):
    """A target over feature tables, and the life of the model that predicts it."""

    name: Name
    target: Target
    features: tuple[Name, ...]
    """Feature tables over the same dataset."""
    task: Literal["auto"] | TaskName = "auto"
    """What kind of answer is asked for; auto: told from the objective, or else from the labels."""
    metrics: dict[Name, OwnMetric] = Field(default_factory=dict)
    """Figures of the user's own: tracked, and one of them may be the objective."""
    objective: str | None = None
    """The one metric that decides; left out: the task's usual one."""
    threshold: Share = 0.5
    """The probability from which the answer of a binary model is yes."""
    train: Train = Train()
    evaluate: Evaluate = Evaluate()
    release: Release = Release()
    serve: Serve = Serve()
    monitor: Monitor = Monitor()
    retrain: Retrain = Retrain()
    expiry: Expiry | None = None
    intended_use: str = ""
    limits: str = ""
    retention: Annotated[Retention, Field(exclude=True)] = Retention()
    """Which old versions of its labels, training sets and predictions stay, once `mlops gc` runs; left out: all."""
    description: str = ""
    owners: tuple[str, ...] = ()

    @field_validator("objective")
    @classmethod
    def _objective_fits(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None:
            _fits("objective", value, info.data)
        return value

    @field_validator("evaluate")
    @classmethod
    def _guards_fit(cls, value: Evaluate, info: ValidationInfo) -> Evaluate:
        for name in value.guard or ():
            _fits("metric to guard", name, info.data)
        return value

    @property
    def told_task(self) -> TaskName | None:
        """The task as far as the declaration tells it; None: only the labels can."""
        if self.task != "auto":
            return self.task
        fit = [task for task, names in OBJECTIVES.items() if self.objective in names]
        return fit[0] if len(fit) == 1 else None

    @model_validator(mode="after")
    def _needs_features(self) -> "Model":
        if not self.features:
            raise ValueError("a model needs a feature table: name at least one in features")
        return self


def _fits(kind: str, name: str, given: Mapping[str, Any]) -> None:
    """Demand that a metric is one of the task's, or the user's own; what else is wrong is told elsewhere."""
    task, own = given.get("task", "auto"), given.get("metrics", {})
    tasks = list(OBJECTIVES) if task == "auto" else [task]
    allowed = {*own, *(metric for each in tasks for metric in OBJECTIVES[each])}
    if name not in allowed:
        raise UnknownName.among(kind if task == "auto" else f"{kind} of a {task} model", name, allowed)
