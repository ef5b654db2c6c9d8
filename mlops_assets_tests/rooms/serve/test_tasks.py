"""A model of several classes and one of a value answer over HTTP, one row and many, as scikit-learn says."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mlops_assets.rooms.release import bundle
from mlops_assets.rooms.train.candidates import logistic, ridge
from mlops_assets.rooms.train.inputs import features_of, frame
from mlops_assets.settings import Settings
from mlops_assets.stores import bundle as bytes_of
from mlops_assets.stores.serving import ServingStore
from mlops_assets_tests.rooms import trips
from mlops_assets_tests.rooms.release.bundles import Builder, trained
from mlops_assets_tests.rooms.serve.running import BATCH, MODEL, PREDICT, ROW, ask, service

ROWS = trips.rows(600)
ASKED = [{**ROW, "distance": distance} for distance in (-3.0, 0.0, 3.0)]
CLASSES = ("early", "late", "on time")


def released(home: Path, builder: Builder, target: NDArray[Any], told: Mapping[str, Any]) -> Any:
    """Release a model of another task over the trips; its pipeline."""
    features = features_of(ROWS.schema, trips.FEATURES)
    pipeline = builder(features, 0).fit(frame(ROWS, features), target)
    base = trained()
    manifest = {**json.loads(base.files["manifest.json"]), "threshold": None, "candidate": builder.__name__, **told}
    files = {**base.files, "manifest.json": json.dumps(manifest).encode()}
    made = replace(base, pipeline=pipeline, files=files, model=bytes_of.dumps(pipeline))
    store = ServingStore(Settings(home).serving)
    store.release(MODEL, bundle.put(store, made, trips.plan(), card=""), evidence="a verdict")
    return pipeline


def said(home: Path, keys: set[str]) -> list[dict[str, Any]]:
    """Three answers to many; the first is what one alone is answered, too."""
    with service(home) as running:
        many = ask(running.url, BATCH, {"instances": ASKED})
        one = ask(running.url, PREDICT, {"inputs": ASKED[0]})
        document = ask(running.url, "/openapi.json")
    assert (many.status, one.status, document.status) == (200, 200, 200), many.body
    found: list[dict[str, Any]] = many.json["predictions"]
    assert one.json.keys() == {"id", "model", "version", *keys}
    assert one.json.get("answer") == found[0].get("answer")
    assert one.json.get("value") == pytest.approx(found[0].get("value"))
    return found


def expected(says: Callable[[Any], NDArray[np.float64]]) -> NDArray[np.float64]:
    import pyarrow as pa

    return says(frame(pa.Table.from_pylist(ASKED), features_of(ROWS.schema, trips.FEATURES)))


@pytest.mark.slow
def test_several_classes_are_answered_by_name_with_a_score_each(tmp_path: Path) -> None:
    distance = np.nan_to_num(ROWS["distance"].to_numpy())
    target = np.digitize(distance, [-0.5, 0.5])
    pipeline = released(tmp_path, logistic, target, {"task": "multiclass", "classes": CLASSES})
    answers = said(tmp_path, {"scores", "answer"})
    scores = [[each["scores"][name] for name in CLASSES] for each in answers]
    assert np.allclose(scores, expected(pipeline.predict_proba), atol=1e-4)
    assert [each["answer"] for each in answers] == ["early", "late", "on time"]


@pytest.mark.slow
def test_a_value_is_answered_as_it_is(tmp_path: Path) -> None:
    distance = np.nan_to_num(ROWS["distance"].to_numpy())
    pipeline = released(tmp_path, ridge, 30.0 + 10.0 * distance, {"task": "regression"})
    values = [each["value"] for each in said(tmp_path, {"value"})]
    assert np.allclose(values, expected(pipeline.predict), rtol=1e-4)
    assert values == sorted(values)
    assert values[2] - values[0] == pytest.approx(60, rel=0.05)
