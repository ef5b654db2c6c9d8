"""An estimate is right where outcomes follow the scores, says how far it was off, and cannot see where they do not."""

from typing import Any

import numpy as np
import pytest

from mlops_assets.rooms.monitor.estimate import calibrated, estimate, expected
from mlops_assets.rooms.monitor.reference import floats
from mlops_assets.rooms.train.metrics import METRICS
from mlops_assets_tests.rooms.monitor.days import reference, window


def test_a_calm_window_is_estimated_within_the_back_tested_error() -> None:
    rows, known = window(days=56), reference()
    found = estimate(floats(rows, "score"), known)
    truth = METRICS["roc_auc"](floats(rows, "label"), floats(rows, "score"))
    assert abs(found.figure - truth) < 3 * found.error
    assert found.tested_on == 6
    assert "An estimate asks for nothing" in found.words


def test_it_does_not_see_that_outcomes_no_longer_follow_the_scores() -> None:
    known = reference()
    calm, blind = (estimate(floats(window(flipped=share), "score"), known).figure for share in (0.0, 0.8))
    assert calm == blind


@pytest.mark.parametrize("metric", ["roc_auc", "average_precision", "brier", "log_loss"])
def test_with_chances_of_zero_and_one_it_is_the_metric_itself(metric: str) -> None:
    draw = np.random.default_rng(0)
    scores, outcomes = draw.random(500), (draw.random(500) < 0.4).astype(float)
    assert expected(metric, scores, outcomes) == pytest.approx(METRICS[metric](outcomes, scores))


def test_calibration_rises_with_the_score() -> None:
    chances = calibrated(np.linspace(0, 1, 200), (np.arange(200) > 120).astype(float), np.array([0.1, 0.5, 0.9]))
    assert (np.diff(chances) >= 0).all()
    assert chances[0] == 0
    assert chances[-1] == 1


def test_windows_whose_truth_is_known_take_the_place_of_the_references_stretches() -> None:
    past: list[dict[str, Any]] = [{"estimate_name": "roc_auc", "estimate": 0.7, "roc_auc": 0.6}] * 3
    found = estimate(floats(window(), "score"), reference(), past)
    assert found.error == pytest.approx(0.1)
    assert found.tested_on == 3
