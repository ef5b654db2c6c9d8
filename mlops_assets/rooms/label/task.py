"""The kind of a model's question, and all that follows from it, so that no other room has to ask which it is."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from mlops_assets.spec.model import OBJECTIVES, TaskName

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa
    from numpy.typing import NDArray

    from mlops_assets.spec.model import Model

    Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Task(ABC):
    """What is asked of a model.

    Outcomes are numbers, a row each: 0 or 1, the place of a class, or the value itself. Scores are what a model says
    before it is asked to decide: a probability, a row of probabilities (rows x classes), or a value.

    Attributes:
        classes: of a multiclass task, in order; otherwise empty.
    """

    name: ClassVar[TaskName]
    loss: ClassVar[str]
    """The metric whose share that is left over the baseline's makes the skill."""
    skill: ClassVar[str]
    """The metric of skill against what the rows' own outcomes tell."""
    calibration: ClassVar[str]
    """The metric of how far the scores are off what they say."""
    watched: ClassVar[str]
    """The metric that is watched over time."""

    classes: tuple[str, ...] = ()

    def objective(self, model: "Model") -> str:
        """The metric that decides."""
        return model.objective or OBJECTIVES[self.name][0]

    def strangers(self, labels: "pa.ChunkedArray") -> list[Any]:
        """The labels that can be no answer to the question, sorted."""
        import pyarrow.compute as pc

        return sorted(label for label in pc.unique(labels.drop_null()).to_pylist() if not self._is_label(label))

    @abstractmethod
    def _is_label(self, label: Any) -> bool: ...

    @abstractmethod
    def outcomes(self, labels: "pa.ChunkedArray") -> "Floats":
        """Labels as numbers."""

    @abstractmethod
    def targets(self, outcomes: "Floats") -> "NDArray[Any]":
        """Outcomes in the type that estimators are fitted on."""

    @abstractmethod
    def scores(self, pipeline: Any, data: "pd.DataFrame") -> "Floats":
        """What a fitted pipeline says of those rows."""

    @abstractmethod
    def baseline(self, outcomes: "Floats") -> "Floats":
        """The score that fits every row alike best: of one row, as in `scores`."""

    @abstractmethod
    def said(self, scores: "Floats") -> "Floats":
        """One number a row for the log: the probability, that of the answered class, or the value."""

    @abstractmethod
    def answers(self, scores: "Floats", threshold: float) -> "pa.Array":
        """What is answered: yes or no, a class, or the value."""

    @abstractmethod
    def undecided(self, outcomes: "Floats") -> str:
        """Why these outcomes cannot tell a good model from a bad one; empty when they can."""

    @abstractmethod
    def figures(self, outcomes: "Floats") -> dict[str, float]:
        """What the outcomes look like, in a number or two."""

    @abstractmethod
    def wild(self, scores: "Floats") -> int:
        """How many rows have a score that is none."""

    def constant(self, baseline: "Floats", rows: int) -> "Floats":
        """The same score for every row."""
        import numpy as np

        return np.repeat(baseline, rows, axis=0)

    def aligned(self, scores: "Floats", classes: tuple[str, ...]) -> "Floats":  # noqa: ARG002 - of a task with classes
        """Scores of a model that knows those classes, as this task's."""
        return scores

    def columns(self, scores: "Floats") -> "dict[str, Floats]":
        """The scores as columns of a table, `score` first."""
        return {"score": self.said(scores)}

    def read(self, rows: "pa.Table") -> "Floats":
        """The scores that `columns` wrote."""
        import numpy as np

        return np.asarray(rows["score"].to_numpy(), dtype=np.float64)
