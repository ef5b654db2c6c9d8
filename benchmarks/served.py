"""What answers a stream's rows: a fit, or two that are blended; and the platform's verdict on one against another."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from mlops_assets.rooms.evaluate.evidence import Evidence, Scored
from mlops_assets.rooms.evaluate.gates import GATES
from mlops_assets.rooms.evaluate.verdict import Verdict, decide
from mlops_assets.rooms.label.tasks import Binary
from mlops_assets.rooms.train.training_set import Examples
from mlops_assets.spec.dataset import Dataset
from mlops_assets.spec.feature_table import FeatureTable
from mlops_assets.spec.model import Model
from mlops_assets.spec.plan import FeaturePlan, ModelPlan
from mlops_assets.spec.source import Source

if TYPE_CHECKING:
    from benchmarks.streams import Floats, Places

START: Final = datetime(2013, 1, 1, tzinfo=UTC)
ASKED: Final = ("unseen", "objective", "guard", "skill", "calibration")
"""The gates that look at scores; the others are about files, machines and declarations."""


@dataclass(frozen=True)
class Served:
    """What answers.

    Attributes:
        until: the day before which the rows of the newest fit end.
        before: that of the fit beside it; None when there is none.
        weight: of that fit.
    """

    until: int
    before: int | None = None
    weight: float = 0.0


def clock(day: int) -> datetime:
    """The moment at which a day begins."""
    return START + timedelta(days=day)


def plan(declared: dict[str, Any]) -> ModelPlan:
    """A model of a stream, as a user would declare it."""
    named = {"name": "stream", "target": {"column": "y"}, "features": ["facts"], "objective": "log_loss"}
    dataset = Dataset(name="rows", source=Source(files="rows/*.parquet"), key=("row",), event_time="at")
    table = FeatureTable.model_validate({"name": "facts", "dataset": "rows", "columns": {"x": "x"}})
    return ModelPlan.of(
        Model.model_validate({**named, **declared}), {"facts": FeaturePlan.of(table, {"rows": dataset})}
    )


def verdict(plan: ModelPlan, label: "Places", day: "Places", challenger: "Scored", champion: "Scored") -> Verdict:
    """What the platform says of a challenger, of held-out rows and the scores of both."""
    import pandas as pd
    import pyarrow as pa

    times = np.datetime64("2013-01-01", "us") + day.astype("timedelta64[D]")
    rows = pa.table({"event_time": pa.array(times).cast(pa.timestamp("us", "UTC"))})
    held = Examples(pd.DataFrame(index=range(len(day))), label.astype(np.float64), times, (), rows, Binary())
    return decide(Evidence(plan, held, challenger, champion), {name: GATES[name] for name in ASKED})


def scored(number: int, scores: "Floats", until: int) -> Scored:
    """A version whose rows end before a day; all are of one recipe."""
    known = (clock(until) - timedelta(seconds=1)).isoformat()
    return Scored(number, str(number), {"trained_until": known, "candidate": "boosting"}, scores)
