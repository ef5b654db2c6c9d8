"""One suite over every registered candidate: it fits what a feature table holds, answers, and comes back the same."""

from collections.abc import Iterator
from typing import get_args

import numpy as np
import pandas as pd
import pytest

from mlops_assets.errors import UnknownName
from mlops_assets.rooms.label.task import Task
from mlops_assets.rooms.label.tasks import TASKS
from mlops_assets.rooms.train.candidates import CANDIDATES, DEFAULTS, candidate
from mlops_assets.rooms.train.explanation import coefficients
from mlops_assets.rooms.train.inputs import Feature
from mlops_assets.rooms.train.threads import one_thread
from mlops_assets.spec.model import TaskName
from mlops_assets.spec.plan import NOWHERE
from mlops_assets.stores import bundle

TOGETHER: list[tuple[TaskName, str]] = [(task, name) for task, names in CANDIDATES.items() for name in names]
EVERY = pytest.mark.parametrize(("task", "name"), TOGETHER)
LEARNING = [(task, name) for task, name in TOGETHER if name != DEFAULTS[task][0]]
FEATURES = (Feature("n", "number"), Feature("c", "category"), Feature("rare", "category"))


@pytest.fixture(autouse=True)
def _alone() -> Iterator[None]:
    with one_thread():
        yield


def asked(task: TaskName) -> Task:
    return TASKS[task](("low", "middle", "high") if task == "multiclass" else ())


def sample(task: TaskName, rows: int = 400) -> tuple[pd.DataFrame, np.ndarray]:
    """Rows, and outcomes as an estimator is given them."""
    draw = np.random.default_rng(0)
    n = draw.normal(size=rows)
    noisy = 2 * n + draw.logistic(size=rows)
    outcomes = {"binary": noisy > 0, "multiclass": np.digitize(noisy, [-1, 1]), "regression": noisy}[task]
    data = pd.DataFrame(
        {
            "n": np.where(draw.random(rows) < 0.1, np.nan, n),
            "untold": "a column that no feature names",
            "c": draw.choice(np.array(["a", "b", "", None], dtype=object), rows),
            "rare": [f"v{i}" for i in range(rows)],
        }
    )
    return data, asked(task).targets(outcomes.astype(np.float64))


@EVERY
def test_it_answers_missing_and_unknown_values_with_sane_scores(task: TaskName, name: str) -> None:
    data, outcomes = sample(task)
    pipeline = candidate(task, name, NOWHERE)(FEATURES, 0).fit(data, outcomes)
    odd = pd.DataFrame({"n": [np.nan, 1e300, -1e300], "untold": "x", "c": [None, "new", "a"], "rare": None})
    assert asked(task).wild(asked(task).scores(pipeline, odd)) == 0


@EVERY
def test_the_same_seed_gives_the_same_model(task: TaskName, name: str) -> None:
    data, outcomes = sample(task)
    first, second = (candidate(task, name, NOWHERE)(FEATURES, 7).fit(data, outcomes) for _ in range(2))
    np.testing.assert_array_equal(asked(task).scores(first, data), asked(task).scores(second, data))


@EVERY
def test_it_comes_back_from_the_bundle_with_the_same_answers(task: TaskName, name: str) -> None:
    data, outcomes = sample(task)
    pipeline = candidate(task, name, NOWHERE)(FEATURES, 0).fit(data, outcomes)
    again = bundle.loads(bundle.dumps(pipeline))
    np.testing.assert_array_equal(asked(task).scores(again, data), asked(task).scores(pipeline, data))


@EVERY
@pytest.mark.parametrize("features", [FEATURES[:1], FEATURES[1:2]], ids=["numbers only", "categories only"])
def test_one_kind_of_feature_is_enough(task: TaskName, name: str, features: tuple[Feature, ...]) -> None:
    data, outcomes = sample(task)
    data = data[[feature.name for feature in features]]
    scores = asked(task).scores(candidate(task, name, NOWHERE)(features, 0).fit(data, outcomes), data)
    assert scores.shape == ((len(data), 3) if task == "multiclass" else (len(data),))


@pytest.mark.parametrize(("task", "name"), LEARNING)
def test_it_learns_what_a_feature_tells(task: TaskName, name: str) -> None:
    data, outcomes = sample(task, 2_000)
    pipeline = candidate(task, name, NOWHERE)(FEATURES, 0).fit(data[:1000], outcomes[:1000])
    scores = asked(task).scores(pipeline, data[1000:])
    expected = scores @ np.arange(3) if task == "multiclass" else scores
    assert np.corrcoef(expected, outcomes[1000:])[0, 1] > 0.4


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_a_rule_tells_each_of_its_cases_in_words_and_says_no_more(task: TaskName) -> None:
    data, outcomes = sample(task, 2_000)
    pipeline = candidate(task, "rule", NOWHERE)(FEATURES, 0).fit(data, outcomes)
    cases = coefficients(pipeline)
    assert 2 <= len(cases) <= 4
    assert all("n <= " in words or "n > " in words for words in cases)
    assert set(np.unique(asked(task).scores(pipeline, data)).round(6)) == {round(said, 6) for said in cases.values()}
    below = [said for words, said in cases.items() if words.startswith("n <= ")]
    assert max(below) < max(cases.values()), "the target rises with n"


def test_every_task_has_candidates_and_each_default_is_registered() -> None:
    assert set(CANDIDATES) == set(DEFAULTS) == set(get_args(TaskName))
    assert all(set(names) <= set(CANDIDATES[task]) for task, names in DEFAULTS.items())


def test_an_unknown_candidate_is_answered_with_the_near_one() -> None:
    with pytest.raises(UnknownName, match="did you mean 'logistic'"):
        candidate("binary", "logistics", NOWHERE)


def test_a_candidate_of_another_task_is_refused() -> None:
    with pytest.raises(UnknownName, match=r"unknown regression candidate 'logistic'; allowed: .*ridge"):
        candidate("regression", "logistic", NOWHERE)
