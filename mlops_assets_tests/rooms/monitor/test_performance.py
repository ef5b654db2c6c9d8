import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import brier_score_loss, roc_auc_score

from mlops_assets.rooms.monitor.performance import performance
from mlops_assets.rooms.monitor.reference import floats
from mlops_assets.rooms.monitor.words import performance_lines, performance_words
from mlops_assets_tests.rooms.monitor.days import reference, window


def test_figures_are_those_of_scikit_learn_and_skill_is_against_the_windows_own_base_rate() -> None:
    rows = window()
    labels, scores = floats(rows, "label"), floats(rows, "score")
    found = performance(rows, 2 * len(rows), reference())
    assert found.figures["roc_auc"] == pytest.approx(roc_auc_score(labels, scores))
    assert found.figures["brier"] == pytest.approx(brier_score_loss(labels, scores))
    assert found.figures["brier_skill"] == pytest.approx(1 - found.figures["brier"] / labels.var())
    assert found.coverage == 0.5
    low, high = found.intervals["roc_auc"]
    assert low < found.figures["roc_auc"] < high


def test_a_window_of_one_class_has_no_figures_and_says_so() -> None:
    rows = window()
    rows = rows.set_column(rows.column_names.index("label"), "label", pa.array(np.zeros(len(rows))))
    found = performance(rows, len(rows), reference())
    assert found.figures == {}
    assert not found.alarm
    assert np.isnan(found.row()["figure"])
    assert "one class" in performance_words(found)
    assert performance_lines(found)


def test_no_matured_labels_are_no_alarm() -> None:
    rows = window()
    found = performance(rows.slice(0, 0), len(rows), reference())
    assert (found.matured, found.coverage, found.alarm) == (0, 0.0, False)
    assert "0 matured labels, of at least 30" in performance_words(found)


def test_a_short_window_has_figures_without_intervals() -> None:
    found = performance(window(days=3), 180, reference())
    assert found.intervals == {}
    assert "too few days" in {line[0]: line[3] for line in performance_lines(found)}["roc_auc"]


def test_what_is_undefined_in_many_resamples_has_a_figure_without_an_interval() -> None:
    rows = window(days=10)
    days = rows["event_time"].to_numpy().astype("datetime64[D]")
    labels = ((days == days.min()) & (floats(rows, "label") > 0)).astype(float)
    rows = rows.set_column(rows.column_names.index("label"), "label", pa.array(labels))
    found = performance(rows, len(rows), reference())
    assert 0 < found.figures["roc_auc"] < 1
    assert "roc_auc" not in found.intervals
    assert "log_loss" in found.intervals
    assert np.isnan(found.row()["roc_auc_low"])


def test_the_row_names_the_figure_that_alarmed() -> None:
    off = performance(window(shift=0.8), 1_680, reference())
    assert off.row()["figure_name"] == "calibration_gap"
    assert off.row()["figure"] > off.row()["threshold"]
    blind = performance(window(flipped=0.8), 1_680, reference())
    assert blind.row()["figure_name"] == "roc_auc"
    assert blind.row()["figure"] < blind.row()["threshold"]
