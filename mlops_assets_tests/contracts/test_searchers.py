"""One suite over every registered searcher: the same each time, the same after a kill, and near to the best."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from mlops_assets.errors import UnknownName
from mlops_assets.rooms.train.search import Found, Plan, Tried, search
from mlops_assets.rooms.train.searchers import SEARCHERS
from mlops_assets.spec.search import Search

EVERY = pytest.mark.parametrize("searcher", SEARCHERS)
SPACE = {"hill": {"x": {"low": -10, "high": 10}, "steps": {"low": 1, "high": 9, "whole": True}}}


def hill(_: str, parameters: Mapping[str, Any], report: Callable[[int, float], bool]) -> float:
    """Highest at x = 3, and a little higher with more steps."""
    figure = -((parameters["x"] - 3) ** 2) + parameters["steps"] / 100
    report(1, figure)
    return float(figure)


def plan(folder: Path, searcher: str = "tpe", *, name: str = "first", **declared: Any) -> Plan:
    given = {"trials": 25, "estimators": ("hill",), "space": SPACE, "searcher": searcher, "prune": False, **declared}
    return Plan(Search.model_validate(given), name, folder / "journal.log", 0, greater_is_better=True)


@EVERY
def test_the_same_seed_finds_the_same(searcher: str, tmp_path: Path) -> None:
    first, second = (search(plan(tmp_path / name, searcher), hill) for name in "ab")
    assert first == second
    assert len(first.tried) == 25


@EVERY
def test_it_comes_near_to_the_best(searcher: str, tmp_path: Path) -> None:
    found = search(plan(tmp_path, searcher), hill)
    assert found.best.figure is not None
    assert found.best.figure > -1.5
    assert found.best.figure == max(tried.figure or -1e9 for tried in found.tried)


@EVERY
def test_a_search_that_was_killed_ends_as_one_that_was_not(searcher: str, tmp_path: Path) -> None:
    calls = 0

    def killed(estimator: str, parameters: Mapping[str, Any], report: Callable[[int, float], bool]) -> float:
        nonlocal calls
        calls += 1
        if calls == 13:
            raise KeyboardInterrupt
        return hill(estimator, parameters, report)

    with pytest.raises(KeyboardInterrupt):
        search(plan(tmp_path / "killed", searcher), killed)
    again = search(plan(tmp_path / "killed", searcher), killed)
    assert again == search(plan(tmp_path / "whole", searcher), hill)
    assert calls == 26, "what was settled before is not done again"


def test_a_finished_search_is_read_back_without_a_trial(tmp_path: Path) -> None:
    first = search(plan(tmp_path), hill)
    assert search(plan(tmp_path), _never) == first


def test_the_next_search_starts_with_the_best_of_the_last(tmp_path: Path) -> None:
    first = search(plan(tmp_path), hill)
    second = search(plan(tmp_path, name="second", trials=1), hill)
    assert (first.warm, second.warm) == (False, True)
    assert second.best.parameters == first.best.parameters


def test_what_falls_behind_is_given_up(tmp_path: Path) -> None:
    import optuna

    def folds(estimator: str, parameters: Mapping[str, Any], report: Callable[[int, float], bool]) -> float:
        for step in range(3):
            if report(step, hill(estimator, parameters, lambda *_: False)):
                raise optuna.TrialPruned
        return hill(estimator, parameters, lambda *_: False)

    found = search(plan(tmp_path, "random", prune=True, trials=30), folds)
    given_up = [tried for tried in found.tried if tried.figure is None]
    assert 3 < len(given_up) < 27
    assert found.best.figure == max(tried.figure or -1e9 for tried in found.tried)


def test_when_the_time_is_up_no_other_is_begun_and_it_is_said(tmp_path: Path) -> None:
    found = search(plan(tmp_path, seconds=1e-9), hill)
    assert (len(found.tried), found.stopped) == (1, True)


def test_each_variant_is_told_as_it_is_settled(tmp_path: Path) -> None:
    told: list[tuple[Tried, int]] = []
    found: Found = search(plan(tmp_path, trials=5), hill, lambda tried, done: told.append((tried, done)))
    assert told == [(tried, place) for place, tried in enumerate(found.tried, start=1)]


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ({"searcher": "tpee"}, "unknown searcher 'tpee'.*did you mean 'tpe'"),
        ({"estimators": ("hil",)}, "unknown estimator to search 'hil'.*did you mean 'hill'"),
    ],
)
def test_an_unknown_name_is_answered_with_the_near_one(tmp_path: Path, declared: dict[str, Any], said: str) -> None:
    with pytest.raises(UnknownName, match=said):
        search(plan(tmp_path, **declared), _never)


@pytest.mark.parametrize(
    "wrong",
    [{}, {"low": 1}, {"low": 2, "high": 1}, {"low": 0, "high": 1, "log": True}, {"low": 0, "high": 1, "choices": [1]}],
)
def test_a_range_that_is_none_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"low|logarithmic"):
        Search.model_validate({"space": {"hill": {"x": wrong}}})


def _never(*_: object) -> float:
    pytest.fail("nothing is to be tried")
