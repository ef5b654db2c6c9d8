"""Evidence made to order: a holdout of 28 days, and models that are as good or as bad as a test needs."""

from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mlops_assets.rooms.evaluate.evidence import Evidence, Scored
from mlops_assets.rooms.label.tasks import Binary
from mlops_assets.rooms.train.inputs import Feature, frame
from mlops_assets.rooms.train.training_set import Examples
from mlops_assets_tests.rooms import trips

Floats = NDArray[np.float64]

ROWS, DAYS = 6_000, 28
FEATURES = tuple(Feature(name, "category" if name in ("carrier", "origin") else "number") for name in trips.FEATURES)
START = trips.START + timedelta(days=100)


def holdout(rows: int = ROWS, days: int = DAYS, **columns: Any) -> Examples:
    """The held-out rows; `columns` replaces features or the label."""
    data = trips.rows(rows, days, seed=5)
    moved = pa.array([moment.as_py() + timedelta(days=100) for moment in data["event_time"]], data["event_time"].type)
    for name, values in {"event_time": moved, **columns}.items():
        data = data.set_column(
            data.column_names.index(name), name, values if name == "event_time" else pa.array(values)
        )
    times = data["event_time"].to_numpy().astype("datetime64[us]")
    return Examples(frame(data, FEATURES), data["label"].to_numpy().astype(np.float64), times, FEATURES, data, Binary())


def truth(data: Examples, *, knows: float = 1.0) -> Floats:
    """Calibrated scores of a model that knows a share of what can be known."""
    known = data.frame.fillna({"distance": 0.0})
    odds = 1.2 * known["distance"] + 0.8 * known["rain"] - 0.8 + 0.5 * (known["carrier"] == "AA")
    scores = 1 / (1 + np.exp(-knows * odds.to_numpy(dtype=np.float64)))
    return np.asarray(np.clip(scores - scores.mean() + data.labels.mean(), 0.001, 0.999), dtype=np.float64)


def scored(number: int, scores: Floats, *, until: str = "2024-04-09T00:00:00+00:00", **manifest: Any) -> Scored:
    """A model version with these scores."""
    said = {
        "features": [{"name": feature.name, "kind": feature.kind} for feature in FEATURES],
        "threshold": 0.5,
        "candidate": "logistic",
        "train_rows": 10_000,
        "trained_until": until,
        "base_rate": 0.37,
        "baseline": [0.37],
        "task": "binary",
        "inputs": {"trips/clean": [1, "f"]},
        "code": {"tree": "t"},
        "environment": "e",
    }
    return Scored(number, f"digest-{number}", {**said, **manifest}, scores)


def evidence(challenger: Scored, champion: Scored | None, data: Examples, **evaluate: Any) -> Evidence:
    """Two models on the same rows."""
    return Evidence(trips.plan(evaluate=evaluate), data, challenger, champion)
