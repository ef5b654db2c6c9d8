"""Changes: what a reader would want to be told of a new batch, and nothing else."""

import pyarrow as pa

from mlops_assets.rooms.explore.changes import between, columns
from mlops_assets.rooms.explore.measure import of_table

BEFORE: dict[str, list[object]] = {"carrier": ["AA", "UA"] * 50, "delay": list(range(100)), "wind": [1.0] * 100}


def told(**now: list[object]) -> list[tuple[str, str, str, str]]:
    kept = {**BEFORE, **now}
    return [(c.column, c.what, c.before, c.now) for c in between(of_table(pa.table(BEFORE)), of_table(pa.table(kept)))]


def test_the_same_rows_tell_nothing() -> None:
    assert told() == []


def test_a_shifted_mean_is_told_and_a_jitter_is_not() -> None:
    assert told(delay=[value + 30 for value in range(100)]) == [("delay", "mean", "49.5", "79.5")]
    assert told(delay=[value + 1 for value in range(100)]) == []


def test_nulls_that_come_are_told() -> None:
    assert told(wind=[1.0] * 95 + [None] * 5) == [("wind", "null share", "0.0%", "5.0%")]


def test_values_that_appear_and_vanish_are_named() -> None:
    assert told(carrier=["AA", "B6"] * 50) == [
        ("carrier", "new values", "", "B6"),
        ("carrier", "vanished values", "UA", ""),
    ]


def test_columns_that_come_and_go_and_change_their_type_are_told() -> None:
    before, now = of_table(pa.table({"a": [1], "b": [1]})), of_table(pa.table({"b": ["x"], "c": [1]}))
    found = between(before, now)
    assert [(c.column, c.what) for c in found] == [("b", "type"), ("c", "new column"), ("a", "vanished column")]
    assert columns(found) == ["b", "c", "a"]


def test_a_batch_of_another_size_is_told_once() -> None:
    small = {name: values[:50] for name, values in BEFORE.items()}
    found = between(of_table(pa.table(BEFORE)), of_table(pa.table(small)))
    assert [(c.column, c.what, c.before, c.now) for c in found if not c.column] == [("", "rows", "100", "50")]
