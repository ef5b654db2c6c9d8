"""Profiles: figures of a batch that merge exactly, whatever the batches."""

import math
from datetime import UTC, datetime

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_assets.rooms.explore.measure import of_table
from mlops_assets.rooms.explore.profile import MOST_VALUES, ColumnProfile, from_table, merge, to_table

WHOLE = st.integers(-(10**6), 10**6) | st.none()
TEXT = st.text(max_size=4) | st.none()
REAL = st.floats(-1e6, 1e6) | st.just(math.nan) | st.none()
ROWS = st.lists(st.tuples(WHOLE, REAL, TEXT, st.booleans() | st.none()), max_size=30)
SCHEMA = pa.schema([("whole", pa.int64()), ("real", pa.float64()), ("text", pa.string()), ("flag", pa.bool_())])


def profiled(rows: list[tuple[object, ...]]) -> list[ColumnProfile]:
    return of_table(pa.Table.from_pylist([dict(zip(SCHEMA.names, row, strict=True)) for row in rows], schema=SCHEMA))


@settings(max_examples=30, deadline=None)
@given(st.lists(ROWS, min_size=1, max_size=3))
def test_merging_batches_is_profiling_all_their_rows(batches: list[list[tuple[object, ...]]]) -> None:
    whole = profiled([row for batch in batches for row in batch])
    for expected, *parts in zip(whole, *map(profiled, batches), strict=True):
        merged = merge(parts)
        exact = ("column", "type", "rows", "nulls", "lowest", "highest", "values")
        assert [getattr(merged, name) for name in exact] == [getattr(expected, name) for name in exact]
        for figure, right in ((merged.mean, expected.mean), (merged.m2, expected.m2)):
            assert figure == (right if right is None else pytest.approx(right, rel=1e-6, abs=1e-3))


@settings(max_examples=20, deadline=None)
@given(ROWS)
def test_a_profile_survives_the_lake(rows: list[tuple[object, ...]]) -> None:
    assert from_table(to_table(profiled(rows), "f")) == profiled(rows)


def test_numbers_compare_as_numbers_and_moments_as_moments() -> None:
    rows = {"n": [9, 10, -2], "at": [datetime(2013, 1, day, tzinfo=UTC) for day in (9, 10, 2)]}
    first, second = of_table(pa.table(rows)), of_table(pa.table({"n": [100], "at": [datetime(2012, 1, 1, tzinfo=UTC)]}))
    number, moment = (merge(parts) for parts in zip(first, second, strict=True))
    assert (number.lowest, number.highest) == ("-2", "100")
    assert (moment.lowest, moment.highest) == ("2012-01-01 00:00:00+00", "2013-01-10 00:00:00+00")


def test_a_column_with_many_values_has_no_table_of_them() -> None:
    few, many = of_table(pa.table({"few": ["a", "b"] * 50, "many": [f"v{i}" for i in range(100)]}))
    assert few.values == {"a": 50, "b": 50}
    assert (few.distinct, many.values) == (2, None)
    assert many.distinct == pytest.approx(100, rel=0.2)


def test_values_that_grow_too_many_in_a_merge_are_given_up() -> None:
    size = MOST_VALUES
    parts = [of_table(pa.table({"c": [f"{part}{i}" for i in range(size)]}))[0] for part in "ab"]
    assert (merge(parts).values, merge(parts).distinct) == (None, 2 * size)


def test_types_without_order_or_figures_are_still_counted() -> None:
    rows = {"tags": pa.array([["x"], None], pa.list_(pa.string())), "empty": pa.array([None, None], pa.string())}
    tags, empty = of_table(pa.table(rows))
    assert (tags.nulls, tags.lowest, tags.mean, tags.values) == (1, None, None, None)
    assert (empty.nulls, empty.null_share, empty.distinct, empty.std) == (2, 1.0, 0, None)


def test_profiles_of_different_columns_do_not_merge() -> None:
    with pytest.raises(ValueError, match="one column and type"):
        merge(of_table(pa.table({"a": [1], "b": [2]})))
    with pytest.raises(ValueError, match="one column and type"):
        merge([])
