import numpy as np
import pytest

from mlops_assets.rooms.monitor.calibration import Floats, Null, Weights, null, widening
from mlops_assets.rooms.monitor.chunks import Chunks


def judged(days: Floats, length: int, *, seed: int = 0) -> Null:
    def mean(weights: Weights) -> Floats:
        result: Floats = weights @ days / weights.sum(axis=1)
        return result

    return null(mean, Chunks(np.arange(len(days)), len(days), True), length, seed=seed)


def series(count: int, seed: int, likeness: float) -> Floats:
    draw = np.random.default_rng(seed)
    days = draw.normal(size=count)
    for day in range(1, count):
        days[day] = likeness * days[day - 1] + np.sqrt(1 - likeness**2) * days[day]
    return days


@pytest.mark.parametrize(("likeness", "most"), [(0.0, 0.09), (0.3, 0.10), (0.5, 0.12)])
def test_a_month_of_like_days_is_called_different_about_as_often_as_stated(likeness: float, most: float) -> None:
    alarms = []
    for seed in range(150):
        days = series(320, seed, likeness)
        alarms.append(days[-28:].mean() > judged(days[:90], 28, seed=seed).above(0.05))
    assert 0.01 <= np.mean(alarms) <= most


def test_a_shorter_window_strays_further() -> None:
    days = series(90, 0, 0.3)
    assert judged(days, 1).above(0.05) > judged(days, 7).above(0.05) > judged(days, 60).above(0.05)


def test_both_sides_and_the_distance_from_zero_follow_from_one_distribution() -> None:
    usual = Null(0.0, np.linspace(-1, 1, 2_001))
    assert usual.above(0.05) == pytest.approx(0.9)
    assert usual.below(0.05) == pytest.approx(-0.9)
    assert usual.apart(0.05) == pytest.approx(0.95)


def test_the_fewer_the_blocks_the_wider_the_band() -> None:
    assert widening(4) > widening(13) > widening(100) > 1


def test_what_never_varies_has_its_own_value_as_threshold() -> None:
    assert judged(np.full(30, 0.25), 7).above(0.05) == 0.25
