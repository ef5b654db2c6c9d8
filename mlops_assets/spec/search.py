"""A Search: how many variants of an estimator are tried, and which."""

from typing import Annotated

from pydantic import Field, model_validator

from mlops_assets.spec.base import Name, Spec


class Range(Spec):
    """What a parameter may be."""

    low: float | None = None
    high: float | None = None
    log: bool = False
    """Whether small values are tried as finely as large ones."""
    whole: bool = False
    """Whether only whole numbers are tried."""
    choices: tuple[float | int | str | bool, ...] = ()
    """The values, where there is no range."""

    @model_validator(mode="after")
    def _range_or_choices(self) -> "Range":
        ranged = self.low is not None and self.high is not None
        if ranged == bool(self.choices):
            raise ValueError("give low and high, or choices")
        if self.low is not None and self.high is not None and not self.low < self.high:
            raise ValueError(f"low must be less than high: {self.low:g} and {self.high:g}")
        if self.log and not (self.low or 0) > 0:
            raise ValueError("a logarithmic range starts above 0")
        return self


class Search(Spec):
    """How a better variant of an estimator is looked for; off unless trials are given."""

    trials: Annotated[int, Field(ge=0, le=10_000)] = 0
    """How many variants are tried: the budget that makes a search the same each time."""
    seconds: Annotated[float, Field(gt=0)] | None = None
    """After how many seconds no other variant is begun; what is found then depends on the machine."""
    estimators: tuple[Name, ...] = ("hist_gradient_boosting",)
    """The candidates whose parameters are searched."""
    searcher: Name = "tpe"
    """How the next variant is chosen."""
    space: dict[Name, dict[Name, Range]] = Field(default_factory=dict)
    """Estimator and parameter to what it may be; what is left out is searched in its usual range."""
    prune: bool = True
    """Whether a variant that falls behind is given up after its first folds."""
    voters: Annotated[int, Field(ge=1, le=10)] = 3
    """How many of the best variants answer together, by the mean of what they say; 1: the best alone."""
    rows: Annotated[int, Field(ge=500)] = 250_000
    """Rows of the training set at most, evenly spread, on which variants are compared: on few of many rows those win
    that learn too little of all."""
