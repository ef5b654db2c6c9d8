"""The three tasks: yes or no, one of several, how much."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from mlops_assets.rooms.label.task import Task

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    from numpy.typing import NDArray

    from mlops_assets.rooms.label.task import Floats

UNKNOWN: Final = -1.0
"""The outcome of a row whose class the model has never seen."""
PROBABILITY: Final = "probability_"
"""How the column of a class's probability begins."""
ROUNDING: Final = 1e-6


class Binary(Task):
    """Yes or no: outcomes of 0 and 1, scores are the probability of 1."""

    name = "binary"
    loss, skill, calibration, watched = "brier", "brier_skill", "ece", "roc_auc"

    def _is_label(self, label: Any) -> bool:
        return label in (0, 1)

    def outcomes(self, labels: "pa.ChunkedArray") -> "Floats":
        """0 and 1."""
        return _floats(labels)

    def targets(self, outcomes: "Floats") -> "NDArray[Any]":
        """Whole numbers."""
        return outcomes.astype("int64")

    def scores(self, pipeline: Any, data: "pd.DataFrame") -> "Floats":
        """The probability of yes."""
        import numpy as np

        return np.asarray(pipeline.predict_proba(data)[:, 1], dtype=np.float64)

    def baseline(self, outcomes: "Floats") -> "Floats":
        """The base rate."""
        return _mean(outcomes)

    def said(self, scores: "Floats") -> "Floats":
        """The probability."""
        return scores

    def answers(self, scores: "Floats", threshold: float) -> "pa.Array":
        """Yes from the threshold on."""
        import pyarrow as pa

        return pa.array(scores >= threshold, pa.bool_())

    def undecided(self, outcomes: "Floats") -> str:
        """One class only."""
        return "" if len(outcomes) and 0 < outcomes.mean() < 1 else "one class only"

    def figures(self, outcomes: "Floats") -> dict[str, float]:
        """The base rate."""
        return {"base_rate": float(outcomes.mean())} if len(outcomes) else {}

    def wild(self, scores: "Floats") -> int:
        """Not between 0 and 1."""
        return _outside(scores)


class Multiclass(Task):
    """One of several: outcomes are the place of the class, scores a column of probabilities a class."""

    name = "multiclass"
    loss, skill, calibration, watched = "brier", "brier_skill", "ece", "accuracy"

    def _is_label(self, label: Any) -> bool:
        return not self.classes or class_name(label) in self.classes

    def outcomes(self, labels: "pa.ChunkedArray") -> "Floats":
        """The place of each label's class; -1 for a class that is not known."""
        import numpy as np

        places = {name: float(place) for place, name in enumerate(self.classes)}
        return np.array([places.get(class_name(label), UNKNOWN) for label in labels.to_pylist()], dtype=np.float64)

    def targets(self, outcomes: "Floats") -> "NDArray[Any]":
        """Whole numbers."""
        return outcomes.astype("int64")

    def scores(self, pipeline: Any, data: "pd.DataFrame") -> "Floats":
        """A column a class, also of those that the pipeline was not shown."""
        import numpy as np

        scores = np.zeros((len(data), len(self.classes)))
        scores[:, np.asarray(pipeline.classes_, dtype=np.int64)] = pipeline.predict_proba(data)
        return scores

    def baseline(self, outcomes: "Floats") -> "Floats":
        """The share of each class."""
        import numpy as np

        counts = np.bincount(outcomes[outcomes >= 0].astype(np.int64), minlength=len(self.classes))
        return np.asarray(counts / max(1, counts.sum()), dtype=np.float64)[None, :]

    def said(self, scores: "Floats") -> "Floats":
        """The probability of the answered class."""
        import numpy as np

        return np.asarray(scores.max(axis=1, initial=0.0), dtype=np.float64)

    def answers(self, scores: "Floats", threshold: float) -> "pa.Array":  # noqa: ARG002 - the likeliest needs none
        """The likeliest class."""
        import pyarrow as pa

        return pa.array([self.classes[place] for place in scores.argmax(axis=1)], pa.string())

    def undecided(self, outcomes: "Floats") -> str:
        """One class only."""
        return "" if len(set(outcomes.tolist())) > 1 else "one class only"

    def figures(self, outcomes: "Floats") -> dict[str, float]:
        """How many classes, and the share of the most frequent one."""
        if not len(outcomes):
            return {}
        return {"classes": float(len(set(outcomes.tolist()))), "largest_class": float(self.baseline(outcomes).max())}

    def wild(self, scores: "Floats") -> int:
        """Not between 0 and 1, or not summing to 1."""
        import numpy as np

        return _outside(scores) or int((np.abs(scores.sum(axis=1) - 1) > ROUNDING).sum())

    def aligned(self, scores: "Floats", classes: tuple[str, ...]) -> "Floats":
        """The columns of those classes, in this task's order; a class that the model does not know gets 0."""
        import numpy as np

        places = [classes.index(name) if name in classes else len(classes) for name in self.classes]
        return np.hstack([scores, np.zeros((len(scores), 1))])[:, places]

    def columns(self, scores: "Floats") -> "dict[str, Floats]":
        """`score`, and a column a class."""
        each = {f"{PROBABILITY}{name}": scores[:, place] for place, name in enumerate(self.classes)}
        return {**super().columns(scores), **each}

    def read(self, rows: "pa.Table") -> "Floats":
        """A column a class."""
        import numpy as np

        each = [rows[f"{PROBABILITY}{name}"].to_numpy() for name in self.classes]
        return np.column_stack(each).astype(np.float64)


class Regression(Task):
    """How much: outcomes and scores are values."""

    name = "regression"
    loss, skill, calibration, watched = "mse", "r2", "scaled_ece", "mae"

    def _is_label(self, label: Any) -> bool:
        import math

        return not isinstance(label, str) and math.isfinite(label)

    def outcomes(self, labels: "pa.ChunkedArray") -> "Floats":
        """The values."""
        return _floats(labels)

    def targets(self, outcomes: "Floats") -> "NDArray[Any]":
        """The values."""
        return outcomes

    def scores(self, pipeline: Any, data: "pd.DataFrame") -> "Floats":
        """The predicted value."""
        import numpy as np

        return np.asarray(pipeline.predict(data), dtype=np.float64)

    def baseline(self, outcomes: "Floats") -> "Floats":
        """The mean."""
        return _mean(outcomes)

    def said(self, scores: "Floats") -> "Floats":
        """The value."""
        return scores

    def answers(self, scores: "Floats", threshold: float) -> "pa.Array":  # noqa: ARG002 - a value needs none
        """The value."""
        import pyarrow as pa

        return pa.array(scores, pa.float64())

    def undecided(self, outcomes: "Floats") -> str:
        """One value only."""
        return "" if len(outcomes) and outcomes.min() < outcomes.max() else "one value only"

    def figures(self, outcomes: "Floats") -> dict[str, float]:
        """Mean and standard deviation."""
        return {"mean": float(outcomes.mean()), "deviation": float(outcomes.std())} if len(outcomes) else {}

    def wild(self, scores: "Floats") -> int:
        """Not finite."""
        import numpy as np

        return int((~np.isfinite(scores)).sum())


TASKS: Final[Mapping[str, type[Task]]] = {kind.name: kind for kind in (Binary, Multiclass, Regression)}


def of_manifest(manifest: Mapping[str, Any]) -> Task:
    """The task of a trained model."""
    kind = TASKS[manifest["task"]]
    return kind(tuple(manifest.get("classes") or ()))


def class_name(label: object) -> str:
    """A label as the name of its class.

    >>> class_name(3.0), class_name("red")
    ('3', 'red')
    """
    return f"{label:g}" if isinstance(label, float) else str(label)


def _floats(labels: "pa.ChunkedArray") -> "Floats":
    import numpy as np

    return np.asarray(labels.to_numpy(), dtype=np.float64)


def _outside(scores: "Floats") -> int:
    import numpy as np

    bad = ~(np.isfinite(scores) & (scores >= 0) & (scores <= 1))
    return int((bad if bad.ndim == 1 else bad.any(axis=1)).sum())


def _mean(outcomes: "Floats") -> "Floats":
    import numpy as np

    return np.asarray(outcomes.mean(keepdims=True), dtype=np.float64)
