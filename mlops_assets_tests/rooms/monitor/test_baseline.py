"""Over all detectors together, the stated rate holds where weeks may stand in any order."""

import numpy as np
import pytest
from numpy.typing import NDArray

from mlops_assets.rooms.monitor.baseline import Baseline
from mlops_assets.rooms.monitor.chunks import Chunks
from mlops_assets.rooms.monitor.encoding import Encoding, learn
from mlops_assets.rooms.monitor.sums import Sums, add_up
from mlops_assets.rooms.train.inputs import from_manifest
from mlops_assets_tests.rooms.monitor.days import MANIFEST, window

DAYS, ROWS, KNOWN, WEEK = 560, 30, 84, 7
RATE = 0.05


@pytest.fixture(scope="module")
def year() -> tuple[Encoding, Sums]:
    rows = window(DAYS, ROWS, moods=0.5)
    encoding = learn(rows, from_manifest(MANIFEST))
    return encoding, add_up(encoding, encoding.codes(rows), np.repeat(np.arange(DAYS), ROWS), DAYS)


def some(sums: Sums, days: NDArray[np.int64]) -> Sums:
    return Sums(sums.rows[days], sums.counts[days], sums.moments[days], sums.steps[days])


def together(sums: Sums) -> Sums:
    return Sums(*(part.sum(axis=0, keepdims=True) for part in (sums.rows, sums.counts, sums.moments, sums.steps)))


def rings(year: tuple[Encoding, Sums], size: int, seed: int, *, push: float = 0.0) -> bool:
    """Whether a window rings that is cut from weeks in a random order."""
    encoding, sums = year
    weeks = np.random.default_rng(seed).permutation(DAYS // WEEK)
    order = (weeks[:, None] * WEEK + np.arange(WEEK)).ravel()
    known, here = some(sums, order[:KNOWN]), together(some(sums, order[KNOWN : KNOWN + size]))
    here.moments[:] += push * here.rows[:, None]
    base = Baseline(encoding, Chunks(np.repeat(np.arange(KNOWN), ROWS), KNOWN, True), known, size, size * ROWS, seed)
    limits = base.thresholds(RATE)
    return any(figure > limits[name] for name, figure in base.judge_sums(here).items())


@pytest.mark.parametrize("size", [2, 7, 28, 56])
def test_calm_windows_ring_at_most_about_as_often_as_stated(year: tuple[Encoding, Sums], size: int) -> None:
    assert np.mean([rings(year, size, seed) for seed in range(100)]) <= 1.5 * RATE + 0.025


def test_a_window_whose_columns_have_moved_rings(year: tuple[Encoding, Sums]) -> None:
    assert all(rings(year, 28, seed, push=0.5) for seed in range(10))
