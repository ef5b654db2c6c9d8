from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from mlops_assets.rooms.monitor.drift import DriftFigures, drift
from mlops_assets.rooms.monitor.reference import Reference, chunks_of
from mlops_assets_tests.rooms.monitor.days import reference, window


def rang(figures: DriftFigures) -> set[str]:
    return {shift.detector for shift in figures.shifted}


def with_rain(rows: pa.Table, change: Callable[[np.ndarray], np.ndarray]) -> pa.Table:
    place = rows.column_names.index("rain")
    return rows.set_column(place, "rain", pa.array(change(np.arange(len(rows)))))


def weather(rows: pa.Table, seed: int) -> pa.Table:
    """Rain that is the same for ten rows in a row, as weather is."""
    spells = np.random.default_rng(seed).normal(size=len(rows) // 10 + 1)
    return with_rain(rows, lambda place: spells[place // 10])


def test_a_score_that_is_always_the_same_has_no_drift() -> None:
    flat = reference(days=20)
    column = flat.rows.column_names.index("score")
    rows = flat.rows.set_column(column, "score", pa.array(np.full(len(flat.rows), 0.3)))
    figures = drift(rows, Reference(flat.manifest, rows, flat.chunks))
    assert not figures.alarm
    assert {shift.figure for shift in figures.shifts if shift.detector == "score"} == {0.0}


@pytest.mark.parametrize("rows", [20, 300])
def test_a_window_of_more_or_fewer_rows_a_day_is_judged_alike(rows: int) -> None:
    known = reference(days=60, rows=60)
    alarms = [drift(window(days=35, rows=rows, seed=seed), known).alarm for seed in range(8)]
    assert sum(alarms) <= 2


def test_a_column_that_is_always_null_is_named_and_asks_for_no_challenger() -> None:
    figures = drift(window(nulls=1.0), reference())
    assert [(fault.feature, fault.kind) for fault in figures.broken] == [("rain", "nulls")]
    assert (figures.reaction, figures.alarm) == ("stop", False)
    assert figures.row()["fault"]
    assert figures.row()["faulty"] == "rain (nulls)"


def test_a_value_shift_asks_for_a_challenger() -> None:
    figures = drift(window(shift=0.8), reference())
    assert "score" in rang(figures)
    assert (figures.reaction, figures.row()["fault"]) == ("challenger", False)
    assert figures.row()["ratio"] > 1


def test_a_null_in_a_thousand_rows_is_no_fault_where_there_was_none() -> None:
    assert not drift(window(nulls=0.002), reference(nulls=0.0)).broken


def test_a_category_that_came_and_went_in_the_reference_is_no_surprise() -> None:
    known = reference(carriers="ABC")
    figures = drift(window(carriers="ABC"), known)
    assert not figures.broken


def test_a_column_joined_to_the_wrong_rows_is_seen_though_its_values_are_the_same() -> None:
    known = reference()
    rows = weather(known.rows, seed=1)
    smooth = Reference(known.manifest, rows, chunks_of(rows))
    here = weather(window(), seed=2)
    assert not rang(drift(here, smooth))
    values = here["rain"].to_numpy()
    mixed = with_rain(here, lambda place: np.random.default_rng(0).permutation(values)[place])
    assert "order" in rang(drift(mixed, smooth))


def test_a_window_shorter_than_a_day_is_compared_with_stretches_as_short() -> None:
    known = reference(rows=200)
    calm = [drift(window(days=1, rows=60, seed=seed), known).reaction for seed in range(12)]
    assert calm.count("none") >= 9
    assert drift(window(days=1, rows=60, shift=2.0), known).alarm


def test_what_tells_of_the_score_weighs_most() -> None:
    known = reference()
    rain = known.rows["score"].to_numpy() * 10
    rows = with_rain(known.rows, lambda place: rain[place])
    figures = drift(rows, Reference(known.manifest, rows, known.chunks))
    assert figures.weights["rain"] > 0.9
    assert sum(figures.weights.values()) == pytest.approx(1)
