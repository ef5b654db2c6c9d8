"""One suite over every registered candidate: it fits what a feature table holds, answers, and comes back the same."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest

from mlops_assets.errors import UnknownName
from mlops_assets.rooms.train.candidates import CANDIDATES, candidate
from mlops_assets.rooms.train.inputs import Feature
from mlops_assets.rooms.train.threads import one_thread
from mlops_assets.spec.model import Train
from mlops_assets.spec.plan import NOWHERE
from mlops_assets.stores import bundle

EVERY = pytest.mark.parametrize("name", CANDIDATES)
FEATURES = (Feature("n", "number"), Feature("c", "category"), Feature("rare", "category"))


@pytest.fixture(autouse=True)
def _alone() -> Iterator[None]:
    with one_thread():
        yield


def sample(rows: int = 400) -> tuple[pd.DataFrame, np.ndarray]:
    draw = np.random.default_rng(0)
    n = draw.normal(size=rows)
    outcomes = (draw.random(rows) < 1 / (1 + np.exp(-2 * n))).astype(np.float64)
    data = pd.DataFrame(
        {
            "n": np.where(draw.random(rows) < 0.1, np.nan, n),
            "untold": "a column that no feature names",
            "c": draw.choice(np.array(["a", "b", "", None], dtype=object), rows),
            "rare": [f"v{i}" for i in range(rows)],
        }
    )
    return data, outcomes


@EVERY
def test_it_answers_missing_unknown_and_extreme_values_within_0_and_1(name: str) -> None:
    data, outcomes = sample()
    pipeline = candidate(name, NOWHERE)(FEATURES, 0).fit(data, outcomes)
    odd = pd.DataFrame({"n": [np.nan, 1e300, -1e300], "untold": "x", "c": [None, "new", "a"], "rare": None})
    scores = pipeline.predict_proba(odd)[:, 1]
    assert np.isfinite(scores).all()
    assert ((scores >= 0) & (scores <= 1)).all()


@EVERY
def test_the_same_seed_gives_the_same_model(name: str) -> None:
    data, outcomes = sample()
    first, second = (candidate(name, NOWHERE)(FEATURES, 7).fit(data, outcomes) for _ in range(2))
    np.testing.assert_array_equal(first.predict_proba(data), second.predict_proba(data))


@EVERY
def test_it_comes_back_from_the_bundle_with_the_same_answers(name: str) -> None:
    data, outcomes = sample()
    pipeline = candidate(name, NOWHERE)(FEATURES, 0).fit(data, outcomes)
    again = bundle.loads(bundle.dumps(pipeline))
    np.testing.assert_array_equal(again.predict_proba(data), pipeline.predict_proba(data))


@EVERY
@pytest.mark.parametrize("features", [FEATURES[:1], FEATURES[1:2]], ids=["numbers only", "categories only"])
def test_one_kind_of_feature_is_enough(name: str, features: tuple[Feature, ...]) -> None:
    data, outcomes = sample()
    pipeline = candidate(name, NOWHERE)(features, 0).fit(data[[feature.name for feature in features]], outcomes)
    assert pipeline.predict_proba(data[[feature.name for feature in features]]).shape == (len(data), 2)


@pytest.mark.parametrize("name", [name for name in CANDIDATES if name != "base_rate"])
def test_it_learns_what_a_feature_tells(name: str) -> None:
    data, outcomes = sample(2_000)
    scores = candidate(name, NOWHERE)(FEATURES, 0).fit(data[:1000], outcomes[:1000]).predict_proba(data[1000:])[:, 1]
    assert np.corrcoef(scores, outcomes[1000:])[0, 1] > 0.4


def test_every_default_candidate_is_registered() -> None:
    assert set(Train().candidates) <= set(CANDIDATES)


def test_an_unknown_candidate_is_answered_with_the_near_one() -> None:
    with pytest.raises(UnknownName, match="did you mean 'logistic'"):
        candidate("logistics", NOWHERE)
