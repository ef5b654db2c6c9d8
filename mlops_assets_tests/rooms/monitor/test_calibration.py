import numpy as np
import pytest

from mlops_assets.rooms.monitor.calibration import Floats, Null, Weights, null
from mlops_assets.rooms.monitor.chunks import Chunks
from mlops_assets.rooms.monitor.performance import performance
from mlops_assets.rooms.monitor.reference import Reference, chunks_of
from mlops_assets.rooms.monitor.resampling import draw
from mlops_assets_tests.rooms.monitor.days import MANIFEST, window


def judged(days: Floats, length: int, *, seed: int = 0) -> Null:
    def mean(weights: Weights) -> Floats:
        result: Floats = weights @ days / weights.sum(axis=1)
        return result

    return null(mean, Chunks(np.arange(len(days)), len(days), True), length, seed=seed)


def test_of_a_mean_the_strays_are_those_that_drift_is_judged_by() -> None:
    draw_days = np.random.default_rng(0).normal(size=90)
    drawn = draw(Chunks(np.arange(90), 90, True), 28, seed=3)
    expected = drawn.weights @ (draw_days - draw_days.mean())
    np.testing.assert_allclose(judged(draw_days, 28, seed=3).strays, expected)


def test_a_shorter_window_strays_further() -> None:
    days = np.random.default_rng(0).normal(size=90)
    assert judged(days, 1).above(0.05) > judged(days, 7).above(0.05) > judged(days, 60).above(0.05)


def test_both_sides_and_the_distance_from_zero_follow_from_one_distribution() -> None:
    usual = Null(0.0, np.linspace(-1, 1, 2_001))
    assert usual.above(0.05) == pytest.approx(0.9)
    assert usual.below(0.05) == pytest.approx(-0.9)
    assert usual.apart(0.05) == pytest.approx(0.95)


def test_what_never_varies_has_its_own_value_as_threshold() -> None:
    assert judged(np.full(30, 0.25), 7).above(0.05) == pytest.approx(0.25)


def test_a_figure_that_is_not_known_without_some_day_strays_by_the_others() -> None:
    def only_with_the_first(weights: Weights) -> Floats:
        return np.where(weights[:, 0] > 0, weights @ np.arange(30.0) / weights.sum(axis=1), np.nan)

    found = null(only_with_the_first, Chunks(np.arange(30), 30, True), 7)
    assert np.isfinite(found.strays).all()
    assert found.strays.std() > 0


@pytest.mark.parametrize("days", [7, 28])
def test_calm_windows_whose_weeks_have_moods_that_no_score_knows_ring_no_more_often_than_stated(days: int) -> None:
    rang = []
    for seed in range(120):
        rows = window(84 + days, 40, seed=seed, unsaid=0.3)
        known = rows.slice(0, 84 * 40)
        calm = rows.slice(84 * 40)
        found = performance(calm, len(calm), Reference(MANIFEST, known, chunks_of(known)))
        rang.append(found.alarm)
    assert np.mean(rang) <= 0.075
