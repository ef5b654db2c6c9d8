"""Intervals: paired, seeded, wider when the rows of a day are alike, and refused when days are few."""

import numpy as np
import pytest

from mlops_assets.errors import TrainingError
from mlops_assets.rooms.train.bootstrap import GROUPS, Bootstrap, day_blocks
from mlops_assets.rooms.train.metrics import METRICS

BRIER, AUC = METRICS["brier"], METRICS["roc_auc"]


def sample(days: int = 40, a_day: int = 50, *, daily: float = 0.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    draw = np.random.default_rng(0)
    blocks = np.repeat(np.arange(days), a_day)
    chance = np.clip(0.4 + daily * draw.normal(size=days)[blocks], 0.02, 0.98)
    outcomes = (draw.random(len(blocks)) < chance).astype(np.float64)
    return outcomes, np.clip(draw.normal(0.4 + 0.1 * outcomes, 0.1), 0, 1), blocks


def test_a_model_against_itself_differs_by_nothing() -> None:
    outcomes, scores, blocks = sample()
    found = Bootstrap().difference(AUC, outcomes, scores, scores, blocks)
    assert (found.figure, found.low, found.high) == (0, 0, 0)


def test_pairing_makes_the_difference_far_surer_than_either_figure() -> None:
    outcomes, scores, blocks = sample(daily=0.15)
    alone = Bootstrap().interval(BRIER, outcomes, scores, blocks)
    paired = Bootstrap().difference(BRIER, outcomes, scores, scores * 0.98, blocks)
    assert paired.high - paired.low < (alone.high - alone.low) / 5


def test_days_that_are_alike_inside_widen_the_interval_over_that_of_rows() -> None:
    outcomes, scores, blocks = sample(daily=0.25)
    by_day = Bootstrap().interval(BRIER, outcomes, scores, blocks)
    by_row = Bootstrap().interval(BRIER, outcomes, scores, np.arange(len(blocks)))
    assert by_day.error > 1.5 * by_row.error


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    draw, hits = np.random.default_rng(1), 0
    for seed in range(200):
        outcomes = (draw.random(600) < 0.3).astype(np.float64)
        found = Bootstrap(300, 0.9, seed).interval(BRIER, outcomes, np.full(600, 0.1), np.arange(600) % 60)
        hits += found.low <= 0.3 * 0.81 + 0.7 * 0.01 <= found.high
    assert 0.84 <= hits / 200 <= 0.95


def test_the_same_seed_gives_the_same_interval_and_another_seed_another() -> None:
    outcomes, scores, blocks = sample()
    first, again, other = (Bootstrap(seed=seed).interval(AUC, outcomes, scores, blocks) for seed in (3, 3, 4))
    assert first == again != other


def test_a_better_loss_is_a_positive_difference() -> None:
    outcomes, scores, blocks = sample()
    assert Bootstrap().difference(BRIER, outcomes, outcomes, scores, blocks).low > 0
    assert Bootstrap().difference(AUC, outcomes, scores, 1 - scores, blocks).low > 0


def test_too_few_days_give_no_interval() -> None:
    outcomes, scores, blocks = sample(days=6)
    with pytest.raises(TrainingError, match="too few independent blocks for an interval; got: 6 days; allowed: 7"):
        Bootstrap().interval(AUC, outcomes, scores, blocks)


def test_a_figure_that_is_undefined_has_no_interval() -> None:
    _, scores, blocks = sample()
    with pytest.raises(TrainingError, match="roc_auc is undefined"):
        Bootstrap().interval(AUC, np.zeros(len(scores)), scores, blocks)


def test_a_day_is_a_block_and_without_time_rows_fall_into_groups() -> None:
    times = np.array(["2024-01-01T00:00", "2024-01-01T23:59", "2024-01-02T00:00"], dtype="datetime64[us]")
    first, second, third = day_blocks(times, 3)
    assert first == second != third
    assert len(np.unique(day_blocks(None, 1_000))) == GROUPS
