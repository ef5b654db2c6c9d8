import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_assets.rooms.monitor.calibration import Floats
from mlops_assets.rooms.monitor.chunks import Chunks
from mlops_assets.rooms.monitor.resampling import draw

WEEK = 7


def chunks(count: int, *, rows: int = 10, in_time: bool = True) -> Chunks:
    return Chunks(np.repeat(np.arange(count), rows), count, in_time)


def days(count: int, draw: np.random.Generator, likeness: float) -> Floats:
    """Days whose weeks have moods of their own, in an order that means nothing."""
    moods = np.repeat(draw.normal(size=count // WEEK + 1), WEEK)[:count]
    values: Floats = np.sqrt(likeness) * moods + np.sqrt(1 - likeness) * draw.normal(size=count)
    return values


def false_alarms(reference: int, window: int, likeness: float, *, repetitions: int = 300) -> float:
    known = chunks(reference)
    drawn = draw(known, window, seed=1)
    rang = []
    for seed in range(repetitions):
        given = days(reference + window, np.random.default_rng(seed), likeness)
        here, there = given[reference:], given[:reference]
        strays = drawn.weights @ (10 * (there - there.mean()))
        rang.append(abs(here.mean() - there.mean()) > np.quantile(np.abs(strays), 0.95))
    return float(np.mean(rang))


@pytest.mark.parametrize("likeness", [0.0, 0.4])
@pytest.mark.parametrize(
    ("reference", "window"), [(105, 1), (105, 4), (105, 7), (105, 17), (105, 42), (105, 140), (28, 14), (365, 30)]
)
def test_exchangeable_weeks_ring_about_as_often_as_stated(reference: int, window: int, likeness: float) -> None:
    assert false_alarms(reference, window, likeness) <= 0.075 + 0.025


def test_a_window_as_long_as_half_of_what_is_known_has_a_bound_wider_than_the_normal_one() -> None:
    known = chunks(56)
    drawn = draw(known, 28, seed=0)
    assert (drawn.blocks, drawn.student.max() > 2) == (8, True)
    assert np.quantile(np.abs(drawn.weights), 0.95) > np.quantile(np.abs(drawn.normal), 0.95)


@given(count=st.integers(12, 120), size=st.integers(1, 150), in_time=st.booleans(), seed=st.integers(0, 5))
def test_what_never_varies_strays_by_nothing(count: int, size: int, in_time: bool, seed: int) -> None:
    drawn = draw(chunks(count, in_time=in_time), size, seed=seed, resamples=20)
    assert drawn.weights.shape == (20, count)
    assert np.isfinite(drawn.weights).all()
    assert drawn.blocks >= 2


def test_days_of_the_week_are_no_surprise_to_a_window_of_ten_days() -> None:
    known = chunks(105)
    sundays = (np.arange(105) % WEEK == 6).astype(float)
    strays = draw(known, 10, seed=0).weights @ (10 * (sundays - sundays.mean()))
    assert np.quantile(np.abs(strays), 0.95) > abs(2 / 10 - sundays.mean())


def test_a_longer_window_strays_less() -> None:
    known, values = chunks(105), days(105, np.random.default_rng(0), 0.3)
    spread = [(draw(known, size, seed=0).normal @ (10 * (values - values.mean()))).std() for size in (1, 7, 21, 63)]
    assert spread == sorted(spread, reverse=True)


def test_the_same_seed_draws_the_same_windows() -> None:
    assert (draw(chunks(30), 5, seed=3).weights == draw(chunks(30), 5, seed=3).weights).all()
