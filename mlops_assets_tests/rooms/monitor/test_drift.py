import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import ks_2samp

from mlops_assets.rooms.monitor.drift import drift
from mlops_assets.rooms.monitor.reference import floats
from mlops_assets_tests.rooms.monitor.days import reference, window


def test_the_statistic_is_the_mean_of_each_days_distance_to_the_reference() -> None:
    known, here = reference(days=30, rows=40), window(days=5, rows=40)
    scores = floats(here, "score").reshape(5, 40)
    distances = [ks_2samp(day, known.scores).statistic for day in scores]
    assert drift(here, known).statistic == pytest.approx(np.mean(distances))


def test_a_score_that_is_always_the_same_has_no_drift() -> None:
    flat = reference(days=20)
    column = flat.rows.column_names.index("score")
    rows = flat.rows.set_column(column, "score", pa.array(np.full(len(flat.rows), 0.3)))
    known = type(flat)(flat.manifest, rows, flat.chunks)
    figures = drift(rows, known)
    assert (figures.statistic, figures.threshold, figures.alarm) == (0.0, 0.0, False)


def test_a_window_of_more_rows_a_day_is_not_held_to_a_stricter_threshold() -> None:
    known = reference(days=60, rows=40)
    alarms = [drift(window(rows=300, seed=seed), known).alarm for seed in range(8)]
    assert sum(alarms) <= 3


def test_a_column_that_is_always_null_is_named_and_asks_for_nothing() -> None:
    figures = drift(window(nulls=1.0), reference())
    assert [(fault.feature, fault.kind) for fault in figures.broken] == [("rain", "nulls")]
    assert not figures.alarm
    assert figures.row()["faulty"] == "rain (nulls)"


def test_a_null_in_a_thousand_rows_is_no_fault_where_there_was_none() -> None:
    assert not drift(window(nulls=0.002), reference(nulls=0.0)).broken


def test_a_category_that_came_and_went_in_the_reference_is_no_surprise() -> None:
    known = reference(carriers="ABC")
    figures = drift(window(carriers="ABC"), known)
    assert not figures.broken
