"""An explanation adds up: the simple model's terms and intercept are its very score, also where inputs are wild."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlops_assets.rooms.release import bundle
from mlops_assets.rooms.serve.explain import explained
from mlops_assets.rooms.train.candidates import logistic, target_encoded
from mlops_assets.stores.serving import ServingStore
from mlops_assets_tests.rooms import trips
from mlops_assets_tests.rooms.release.bundles import trained
from mlops_assets_tests.rooms.serve.running import ROW

WILD: dict[str, dict[str, Any]] = {
    "plain": {},
    "missing": {"distance": None, "rain": None, "origin": None},
    "far out": {"distance": 1e6, "rain": -1e6},
    "never seen": {"carrier": "unseen"},
}


@pytest.mark.parametrize("case", WILD)
def test_the_terms_of_a_linear_champion_add_up_to_its_score(case: str, tmp_path: Path) -> None:
    known, store = trained(logistic), ServingStore(tmp_path)
    manifest = store.load("late_trips", bundle.put(store, known, trips.plan(), card="")).manifest
    row = {**ROW, **WILD[case]}
    found = explained(manifest["explanation"], tuple(row), tuple(row.values()))
    types = {name: "object" if isinstance(value, str) else "float64" for name, value in ROW.items()}
    data = pd.DataFrame({name: pd.Series([row[name]], dtype=types[name]) for name in row})
    score = known.pipeline.predict_proba(data)[0, 1]
    assert found["of"] == "the model itself"
    assert found["sum"] == pytest.approx(np.log(score / (1 - score)), abs=1e-6)


def test_rates_learnt_by_category_are_no_terms_so_that_the_simpler_model_explains(tmp_path: Path) -> None:
    known, store = trained(target_encoded), ServingStore(tmp_path)
    manifest = store.load("late_trips", bundle.put(store, known, trips.plan(), card="")).manifest
    assert manifest["explanation"]["of"].startswith("a simpler linear model")
    assert set(manifest["explanation"]["categories"]) == {"carrier", "origin"}
