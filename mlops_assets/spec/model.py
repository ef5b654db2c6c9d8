"""A Model: a target over feature tables, how to train, judge, watch and retrain it."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, model_validator

from mlops_assets.spec.base import Column, Duration, Name, Spec, Sql
from mlops_assets.spec.release import Release

Share = Annotated[float, Field(gt=0, lt=1)]
Objective = Literal["roc_auc", "average_precision", "log_loss", "brier"]
Cause = Literal["new_data", "drift", "performance", "schedule", "demand"]


class Target(Spec):
    """What is to be predicted, and when it is known."""

    column: Column
    """The label's name; a column of the dataset unless `expression` says how it is made."""
    expression: Sql | None = None
    """SQL over the dataset's columns; null: the row has no label."""
    known_after: Duration = timedelta(0)
    """How long after the event time every outcome is taken as known."""
    excluded: dict[Name, Sql] = Field(default_factory=dict)
    """Reason to SQL condition: rows that can have no label are counted under the first reason that holds."""


class Train(Spec):
    """How a challenger is trained."""

    min_history: Duration = timedelta(0)
    """The event time that labels must span before the first model."""
    min_labels: Annotated[int, Field(ge=50)] = 500
    """The matured labels needed before the first model."""
    window: Duration | None = None
    """How far back training looks; left out: all there is."""
    holdout: Duration = timedelta(days=28)
    """The latest stretch, never trained on, on which champion and challenger are judged."""
    holdout_share: Share = 0.2
    """The share of rows held out where there is no event time."""
    candidates: tuple[str, ...] = ("base_rate", "logistic", "hist_gradient_boosting")
    """From simple to complex; a complex one must beat the simple one."""
    margin: Annotated[float, Field(ge=0)] = 0.002
    """By how much of the objective."""
    seed: int = 0


class Evaluate(Spec):
    """What a challenger must show."""

    confidence: Share = 0.95
    """Of every interval."""
    resamples: Annotated[int, Field(ge=100, le=20_000)] = 500
    """Bootstrap resamples over days."""
    guard: dict[Objective, Annotated[float, Field(ge=0)]] = Field(default={"brier": 0.005})
    """Other metrics, and by how much they may be worse than the champion's."""
    slices: tuple[Column, ...] = ()
    """Features by whose values the evaluation is broken down."""


class Monitor(Spec):
    """When a window counts as drifted or worse."""

    false_alarm_rate: Share = 0.05
    """Stated a window, of each alarm."""


class Retrain(Spec):
    """When to ask for a challenger."""

    causes: tuple[Cause, ...] = ("new_data", "drift", "performance", "schedule", "demand")
    cooldown: Duration = timedelta(days=28)
    """In the data's own time, from one request to the next; a demand does not wait."""
    min_new_labels: Annotated[int, Field(ge=0)] = 500
    """Labels matured since the champion's training below which no retraining makes sense."""
    new_data: Annotated[float, Field(gt=0)] = 1.0
    """Matured labels since the champion's training, as a share of its training rows, that are a cause."""
    every: Duration | None = None
    """The schedule, in the data's own time."""


class Model(Spec):
    """A target over feature tables, and the life of the model that predicts it."""

    name: Name
    target: Target
    features: tuple[Name, ...]
    """Feature tables over the same dataset."""
    task: Literal["binary"] = "binary"
    objective: Objective = "roc_auc"
    threshold: Share = 0.5
    """The probability from which the answer is yes."""
    train: Train = Train()
    evaluate: Evaluate = Evaluate()
    release: Release = Release()
    monitor: Monitor = Monitor()
    retrain: Retrain = Retrain()
    intended_use: str = ""
    limits: str = ""
    description: str = ""
    owners: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _needs_features(self) -> "Model":
        if not self.features:
            raise ValueError("a model needs a feature table: name at least one in features")
        return self
