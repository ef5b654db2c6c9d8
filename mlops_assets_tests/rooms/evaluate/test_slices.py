"""Slices: values of declared features with rows enough, their figures and intervals, and Holm over all of them."""

import numpy as np
import pytest

from mlops_assets.rooms.evaluate.gates import _clearly_worse
from mlops_assets.rooms.evaluate.slices import slice_table, slices
from mlops_assets.rooms.train.bootstrap import Interval
from mlops_assets_tests.rooms import judging
from mlops_assets_tests.rooms.judging import evidence, scored, truth


def test_categories_are_sliced_by_value_and_numbers_by_quarter() -> None:
    data = judging.holdout()
    found = list(slices(evidence(scored(1, truth(data)), None, data, slices=("carrier", "rain", "distance"))))
    assert [part.value for part in found if part.feature == "carrier"] == ["(missing)", "AA", "BB", "CC"]
    assert len([part for part in found if part.feature == "rain"]) == 4
    assert sum(part.rows.sum() for part in found if part.feature == "rain") == judging.ROWS
    assert all(part.judgeable for part in found)


def test_a_slice_of_fewer_than_500_rows_is_not_shown() -> None:
    carrier = np.array(["rare"] * 499 + ["usual"] * (judging.ROWS - 499))
    data = judging.holdout(carrier=carrier)
    found = slices(evidence(scored(1, truth(data)), None, data, slices=("carrier",)))
    assert [part.value for part in found] == ["usual"]


def test_a_slice_within_a_few_days_is_shown_without_an_interval() -> None:
    carrier = np.array(["brief"] * 600 + ["usual"] * (judging.ROWS - 600))
    data = judging.holdout(carrier=carrier)
    table = slice_table(evidence(scored(1, truth(data)), None, data, slices=("carrier",)))
    brief = [row for row in table if row["value"] == "brief"]
    assert {row["n"] for row in brief} == {600}
    assert {row["figure"] for row in brief} == {None}
    usual = next(row for row in table if row["value"] == "usual" and row["metric"] == "roc_auc")
    assert usual["low"] < usual["figure"] < usual["high"]


@pytest.mark.parametrize(("slices_seen", "harmed"), [(1, ["a"]), (40, [])])
def test_the_more_slices_are_looked_at_the_surer_each_must_be(slices_seen: int, harmed: list[str]) -> None:
    found = {f"fine {number}": Interval(0.01, -0.02, 0.04, 0.02, 28) for number in range(slices_seen - 1)}
    assert _clearly_worse({"a": Interval(-0.05, -0.09, -0.01, 0.022, 28), **found}, 0.05) == harmed


def test_a_small_loss_harms_nobody_however_sure_it_is() -> None:
    assert _clearly_worse({"a": Interval(-0.01, -0.011, -0.009, 0.0005, 28)}, 0.05) == []
