"""Where a model is weak: every metric within the values of the declared features, with intervals."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mlops_assets.rooms.train.bootstrap import MIN_BLOCKS
from mlops_assets.rooms.train.metric import Metric
from mlops_assets.spec.model import TaskName

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from mlops_assets.rooms.evaluate.evidence import Evidence
    from mlops_assets.rooms.train.bootstrap import Interval

    Mask = NDArray[np.bool_]

MIN_ROWS: Final = 500
QUARTERS: Final = 4
MAX_VALUES: Final = 12
TRACKED: Final[Mapping[TaskName, tuple[str, ...]]] = {
    "binary": ("roc_auc", "brier", "calibration_gap"),
    "multiclass": ("accuracy", "brier", "calibration_gap"),
    "regression": ("mae", "rmse", "calibration_gap"),
}


@dataclass(frozen=True)
class Slice:
    """The rows with one value of one feature.

    Attributes:
        feature: its name.
        value: in words; a range for numbers of many values.
        rows: which of the holdout's rows.
        judgeable: whether it, and of a binary task each class, stands on days enough for an interval.
    """

    feature: str
    value: str
    rows: "Mask"
    judgeable: bool

    @property
    def name(self) -> str:
        """Feature and value."""
        return f"{self.feature} = {self.value}"


def slices(evidence: "Evidence", *, min_rows: int = MIN_ROWS) -> "Iterator[Slice]":
    """The slices by the declared features that hold enough rows, feature by feature."""
    for feature in evidence.model.evaluate.slices:
        yield from parts(evidence, feature, min_rows=min_rows)


def parts(evidence: "Evidence", feature: str, *, min_rows: int = MIN_ROWS) -> "Iterator[Slice]":
    """The slices by one feature that hold enough rows."""
    words = _words(evidence.holdout.frame[feature])
    for value, count in words.value_counts().sort_index().items():
        if count >= min_rows:
            rows = (words == value).to_numpy()
            yield Slice(feature, str(value), rows, _judgeable(evidence, rows))


def slice_table(evidence: "Evidence") -> list[dict[str, Any]]:
    """A row a slice and metric: n, the challenger's figure and interval; None where it is undefined."""
    names = dict.fromkeys([evidence.objective.name, *TRACKED[evidence.task.name]])
    return [_row(evidence, part, evidence.metrics[name]) for part in slices(evidence) for name in names]


def _row(evidence: "Evidence", part: Slice, metric: Metric) -> dict[str, Any]:
    found = _interval(evidence, part, metric)
    bounds = {"figure": found.figure, "low": found.low, "high": found.high} if found else {}
    return {
        "feature": part.feature,
        "value": part.value,
        "n": int(part.rows.sum()),
        "metric": metric.name,
        **(bounds or {"figure": None, "low": None, "high": None}),
    }


def _interval(evidence: "Evidence", part: Slice, metric: Metric) -> "Interval | None":
    labels, scores = evidence.labels[part.rows], evidence.challenger.scores[part.rows]
    return evidence.bootstrap.interval(metric, labels, scores, evidence.blocks[part.rows]) if part.judgeable else None


def _judgeable(evidence: "Evidence", rows: "Mask") -> bool:
    import numpy as np

    kinds = [rows]
    if evidence.task.name == "binary":
        yes = evidence.labels > 0
        kinds = [rows & yes, rows & ~yes]
    return all(len(np.unique(evidence.blocks[kind])) >= MIN_BLOCKS for kind in kinds)


def _words(values: "pd.Series[Any]") -> "pd.Series[str]":
    import pandas as pd

    missing = values.isna()
    if values.dtype.kind == "f" and values.nunique() > MAX_VALUES:
        quarters = pd.qcut(values, QUARTERS, duplicates="drop")
        values = quarters.cat.rename_categories(lambda part: f"{part.left:.4g} to {part.right:.4g}")
    elif values.dtype.kind == "f":
        values = values.map(lambda number: f"{number:g}")
    return values.astype("object").where(~missing, "(missing)").astype(str)
