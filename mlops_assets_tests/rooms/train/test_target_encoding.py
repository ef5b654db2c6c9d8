"""A category's mean outcome tells of other rows, never of the row itself."""

import numpy as np
import pandas as pd

from mlops_assets.rooms.train.candidates import target_encoded, target_encoded_ridge
from mlops_assets.rooms.train.inputs import Feature
from mlops_assets.rooms.train.metrics import METRICS

PLACE = [Feature("place", "category")]


def rows(count: int, kinds: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Categories that tell nothing, and outcomes."""
    draw = np.random.default_rng(0)
    return pd.DataFrame({"place": [f"p{draw.integers(kinds)}" for _ in range(count)]}), draw.integers(0, 2, count)


def test_many_categories_that_tell_nothing_look_like_nothing_in_training_too() -> None:
    frame, labels = rows(1_000, kinds=900)
    fitted = target_encoded(PLACE, 0)
    encoded = fitted[:-1].fit_transform(frame, labels)[:, 0]
    assert METRICS["roc_auc"](labels.astype(float), encoded) < 0.56


def test_a_category_that_tells_is_learnt_and_an_unknown_or_missing_one_is_answered() -> None:
    frame, _ = rows(1_000, kinds=5)
    late = (frame["place"] == "p3").to_numpy().astype(float)
    fitted = target_encoded(PLACE, 0).fit(frame, late)
    asked = pd.DataFrame({"place": ["p3", "p1", "nowhere", None]})
    scores = fitted.predict_proba(asked)[:, 1]
    assert scores[0] > 0.9
    assert scores[1] < 0.1
    assert np.isfinite(scores).all()
    value = target_encoded_ridge(PLACE, 0).fit(frame, late * 60)
    assert value.predict(asked)[0] > 50
