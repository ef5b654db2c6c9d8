"""The leaderboard: out of fold, by time, and simple unless the complex is clearly worth it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlops_assets.errors import TrainingError
from mlops_assets.rooms.label.tasks import Binary
from mlops_assets.rooms.train.candidates import candidate
from mlops_assets.rooms.train.fit import refit
from mlops_assets.rooms.train.ground import Ground, out_of_fold, time_folds
from mlops_assets.rooms.train.inputs import present
from mlops_assets.rooms.train.select import Leaderboard, leaderboard
from mlops_assets.rooms.train.training_set import Examples, assemble, examples, inputs
from mlops_assets.rooms.train.tuning import tune
from mlops_assets.spec.plan import NOWHERE, ModelPlan
from mlops_assets_tests.rooms import trips


def train_rows(folder: Path, plan: ModelPlan) -> Examples:
    lake = trips.world(folder).lake
    trips.fill(lake, trips.rows())
    return examples(assemble(lake, plan, inputs(lake, plan)), plan, "train")


def board(folder: Path, **declared: Any) -> Leaderboard:
    plan = trips.plan(**declared)
    return leaderboard(train_rows(folder, plan), plan)


def test_the_complex_that_clearly_beats_the_simple_is_chosen(tmp_path: Path) -> None:
    found = board(tmp_path)
    assert found.chosen == "logistic"
    assert found.winner.low > 0
    assert found.winner.skill > 0.1
    assert "worth its complexity" in found.winner.reason


def test_the_simple_stays_when_the_gain_is_below_the_margin(tmp_path: Path) -> None:
    found = board(tmp_path, train={"margin": 0.5})
    assert found.chosen == "base_rate"
    assert "less than the margin 0.5" in found.entries[1].reason


def test_the_simple_stays_when_the_gain_is_not_clear_of_zero(tmp_path: Path) -> None:
    found = board(tmp_path, train={"candidates": ("logistic", "logistic")})
    assert found.entries[1].kept is False
    assert "not clear of zero" in found.entries[1].reason


@pytest.mark.parametrize("objective", ["average_precision", "log_loss", "brier"])
def test_every_objective_can_choose(tmp_path: Path, objective: str) -> None:
    assert board(tmp_path, objective=objective).chosen == "logistic"


def test_the_same_rows_give_the_same_leaderboard(tmp_path: Path) -> None:
    plan = trips.plan()
    rows = train_rows(tmp_path, plan)
    first, second = leaderboard(rows, plan), leaderboard(rows, plan)
    assert first.entries[1] == second.entries[1]
    np.testing.assert_array_equal(first.scores, second.scores)


def test_folds_are_contiguous_stretches_of_whole_days(tmp_path: Path) -> None:
    times = train_rows(tmp_path, trips.plan()).times
    assert times is not None
    folds = time_folds(times, len(times))
    assert (np.diff(folds) >= 0).all()
    assert np.bincount(folds).min() > len(times) / 4
    days = times.astype("datetime64[D]")
    assert all(len(np.unique(folds[days == day])) == 1 for day in np.unique(days))


def test_no_row_is_scored_by_a_model_that_saw_it() -> None:
    import pandas as pd
    from sklearn.neighbors import KNeighborsClassifier

    draw = np.random.default_rng(0)
    data, labels = pd.DataFrame({"n": draw.normal(size=300)}), (draw.random(300) < 0.5).astype(np.float64)
    scores = out_of_fold(lambda _: KNeighborsClassifier(1), data, labels, np.arange(300) % 3, Binary())
    assert 0.3 < (scores == labels).mean() < 0.7


def test_a_stretch_that_leaves_one_class_to_learn_from_is_said() -> None:
    import pandas as pd
    from sklearn.dummy import DummyClassifier

    labels = np.array([1.0, 1.0, 0.0, 0.0])
    with pytest.raises(TrainingError, match="holds one class only"):
        out_of_fold(lambda _: DummyClassifier(), pd.DataFrame({"n": labels}), labels, np.array([0, 0, 1, 1]), Binary())


def test_a_feature_without_any_value_is_not_learnt_from(tmp_path: Path) -> None:
    rows = train_rows(tmp_path, trips.plan())
    data = rows.frame.assign(rain=np.nan)
    assert [feature.name for feature in present(rows.features, data)] == ["distance", "noise", "carrier", "origin"]


def test_forward_no_stretch_is_scored_by_a_model_of_a_later_one(tmp_path: Path) -> None:
    rows = train_rows(tmp_path, trips.plan())
    ground, seen = Ground.of(rows, seed=0, forward=True), []

    def builder(features: object, seed: int) -> object:
        return candidate("binary", "base_rate", NOWHERE)(features, seed)

    scores = ground.scores(builder, lambda done, scores, _: seen.append((done, int(np.isfinite(scores).sum()))))
    assert [done for done, _ in seen] == [1, 2, 3]
    assert np.isnan(scores[ground.folds == 0]).all()
    for fold in (1, 2, 3):
        assert scores[ground.folds == fold] == pytest.approx(ground.outcomes[ground.folds < fold].mean())


def test_several_folds_at_a_time_give_the_same_scores_and_are_told_in_the_same_order(tmp_path: Path) -> None:
    rows = train_rows(tmp_path, trips.plan())
    ground = Ground.of(rows, seed=0, forward=True)
    alone, together = (_told(ground, workers) for workers in (1, 3))
    np.testing.assert_array_equal(alone[0], together[0])
    assert alone[1] == together[1]
    newest = int((ground.folds == ground.folds.max()).sum())
    assert alone[1][0] == newest, "a variant is given up by the newest stretch"


def _told(ground: Ground, workers: int) -> tuple[np.ndarray, list[int]]:
    """The scores by so many workers, and how many there were each time that it was told."""
    told: list[int] = []

    def watch(_: int, scores: np.ndarray, __: object) -> None:
        told.append(int(np.isfinite(scores).sum()))

    builder = candidate("binary", "hist_gradient_boosting", NOWHERE)
    return ground.scores(builder, watch, workers=workers), told


def test_the_best_variants_of_a_search_vote_and_come_back_from_the_leaderboard(tmp_path: Path) -> None:
    search = {"trials": 4, "estimators": ("logistic",), "prune": False, "voters": 2}
    plan = trips.plan(train={"search": search, "candidates": ("base_rate",)})
    rows = train_rows(tmp_path, plan)
    tuned = tune(rows, plan, name="n", folder=tmp_path)
    members = tuned.parameters["members"]
    assert (tuned.name, tuned.estimator, len(members)) == ("tuned_vote", "vote", 2)
    best = sorted(tuned.found.tried, key=lambda each: -(each.figure or 0.0))
    assert [member["parameters"] for member in members] == [dict(each.parameters) for each in best[:2]]
    found = leaderboard(rows, plan, tuned)
    assert found.chosen == "tuned_vote"
    fitted = refit(rows, found, plan, made_of={})
    assert fitted.manifest["parameters"] == dict(tuned.parameters)
    apart = [one.predict_proba(fitted.pipeline[0].transform(rows.frame)) for one in fitted.pipeline[1].estimators_]
    np.testing.assert_allclose(fitted.pipeline.predict_proba(rows.frame), np.mean(apart, axis=0))


def test_a_search_adds_its_best_variant_to_the_leaderboard_and_it_is_judged_like_the_others(tmp_path: Path) -> None:
    search = {"trials": 3, "estimators": ("logistic",), "prune": False, "voters": 1}
    plan = trips.plan(train={"search": search, "candidates": ("base_rate",)})
    rows = train_rows(tmp_path, plan)
    tuned = tune(rows, plan, name="n", folder=tmp_path)
    found = leaderboard(rows, plan, tuned)
    assert [entry.candidate for entry in found.entries] == ["base_rate", "tuned_logistic"]
    assert found.chosen == "tuned_logistic"
    fitted = refit(rows, found, plan, made_of={})
    assert fitted.manifest["parameters"] == dict(tuned.parameters)
    assert tuned.parameters["C"] == fitted.pipeline["model"].C
