"""A trained version over the trips of `trips.py` as the registry gives it back, without MLflow."""

import json
from collections.abc import Callable, Sequence
from functools import cache
from io import BytesIO
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mlops_assets.rooms.train.candidates import logistic
from mlops_assets.rooms.train.inputs import Feature, features_of, frame
from mlops_assets.stores import bundle as bytes_of
from mlops_assets.stores.registry import Bundle, ModelVersion
from mlops_assets_tests.rooms import trips

Builder = Callable[[Sequence[Feature], int], Any]


@cache
def trained(builder: Builder = logistic, number: int = 1, count: int = 1_500) -> Bundle:
    """Version `number` of late_trips, trained on that many trips by a candidate's builder."""
    rows = trips.rows(count, seed=number)
    features = features_of(rows.schema, trips.FEATURES)
    pipeline = builder(features, 0).fit(frame(rows, features), rows["label"].to_numpy())
    manifest = {
        "features": [{"name": feature.name, "kind": feature.kind} for feature in features],
        "threshold": 0.5,
        "task": "binary",
        "candidate": builder.__name__,
        "base_rate": float(rows["label"].to_numpy().mean()),
        "trained_until": "2024-04-30T00:00:00+00:00",
    }
    score = pipeline.predict_proba(frame(rows, features))[:, 1]
    reference = BytesIO()
    pq.write_table(rows.drop_columns(["trip"]).append_column("score", pa.array(np.asarray(score))), reference)
    files = {"manifest.json": json.dumps(manifest).encode(), "reference.parquet": reference.getvalue()}
    return Bundle(
        ModelVersion("late_trips", number, f"run{number}", "digest"), pipeline, files, bytes_of.dumps(pipeline)
    )
