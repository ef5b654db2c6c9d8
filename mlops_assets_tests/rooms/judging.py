"""Evidence made to order: a holdout of 28 days, and models that are as good or as bad as a test needs."""

from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from io import BytesIO
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from mlops_assets.rooms.evaluate.evidence import Evidence, Scored
from mlops_assets.rooms.label.tasks import Binary
from mlops_assets.rooms.train.candidates import candidate
from mlops_assets.rooms.train.identity import canonical
from mlops_assets.rooms.train.inputs import Feature, frame
from mlops_assets.rooms.train.training_set import Examples
from mlops_assets.spec.plan import NOWHERE
from mlops_assets.stores.registry import Bundle, ModelVersion
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


@cache
def pipeline() -> Pipeline:
    """A real model of the trips; what it says of the holdout is of no matter, what it is like to run is."""
    data = trips.rows(1_000, 20, seed=6)
    return candidate("binary", "logistic", NOWHERE)(FEATURES, 0).fit(frame(data, FEATURES), data["label"].to_numpy())


def bundle(number: int, manifest: Mapping[str, Any], fitted: Any = None) -> Bundle:
    """A version as the registry gives it back."""
    rows = trips.rows(1_000, 20, seed=6)
    trained = rows.select(["event_time", *trips.FEATURES, "label"])
    files = {"manifest.json": canonical(manifest).encode(), "reference.parquet": parquet(trained)}
    version = ModelVersion("late_trips", number, "run", f"digest-{number}", {"identity": "i" * 64})
    return Bundle(version, fitted or pipeline(), files)


def parquet(rows: pa.Table) -> bytes:
    """A table as a bundle's file."""
    target = BytesIO()
    pq.write_table(rows, target)
    return target.getvalue()


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
        "seed": 0,
    }
    whole = {**said, **manifest}
    return Scored(number, f"digest-{number}", whole, scores, bundle(number, whole))


def evidence(challenger: Scored, champion: Scored | None, data: Examples, **evaluate: Any) -> Evidence:
    """Two models on the same rows."""
    return Evidence(trips.plan(evaluate=evaluate), data, challenger, champion)


def missed_cost(outcomes: Floats, scores: Floats) -> Floats:
    """What a row costs: five where it happens and nobody was warned, one for a warning in vain."""
    warned = scores >= 1 / 6
    return np.where(outcomes > 0, 5.0 * ~warned, 1.0 * warned)


def whole_cost(outcomes: Floats, scores: Floats) -> float:
    """The same, already averaged."""
    return float(missed_cost(outcomes, scores).mean())


def strange(outcomes: Floats, scores: Floats) -> Floats:
    """No metric."""
    return np.zeros(2)
