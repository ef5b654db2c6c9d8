"""Fingerprints: equal for equal content in any order, different for anything else."""

import random
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlops_assets.stores.delta import DeltaLake
from mlops_assets.stores.fingerprint import of_table

ROWS = st.lists(
    st.tuples(st.integers(-(2**63), 2**63 - 1) | st.none(), st.floats() | st.none(), st.text(max_size=5) | st.none()),
    max_size=12,
)
QUICK = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


def _table(rows: Sequence[tuple[int | None, float | None, str | None]]) -> pa.Table:
    kinds = {"a": pa.int64(), "b": pa.float64(), "c": pa.string()}
    return pa.table({name: pa.array([row[i] for row in rows], kind) for i, (name, kind) in enumerate(kinds.items())})


@QUICK
@given(rows=ROWS, seed=st.integers())
def test_the_order_of_rows_and_columns_does_not_count(rows: list[tuple[int, float, str]], seed: int) -> None:
    shuffled = random.Random(seed).sample(rows, len(rows))  # noqa: S311 - a repeatable shuffle
    assert of_table(_table(rows)) == of_table(_table(shuffled).select(["c", "a", "b"]))


@QUICK
@given(rows=ROWS.filter(bool), place=st.integers(0, 11))
def test_a_row_more_or_less_counts(rows: list[tuple[int, float, str]], place: int) -> None:
    row = rows[place % len(rows)]
    found = {of_table(_table(each)) for each in (rows, [*rows, row], [*rows, row, row])}
    assert len(found) == 3


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": pa.array([1], pa.int32())}, {"a": pa.array([1], pa.int64())}),
        ({"a": [1]}, {"b": [1]}),
        ({"a": ["x"], "b": [None]}, {"a": [None], "b": ["x"]}),
        ({"a": [1, 2], "b": [1, 2]}, {"a": [1, 2], "b": [2, 1]}),
        ({"a": [1]}, {"a": [1], "b": pa.nulls(1, pa.int64())}),
        ({"a": [["x", "y"]]}, {"a": [["x"], ["y"]]}),
    ],
)
def test_type_name_and_place_count(one: dict[str, object], other: dict[str, object]) -> None:
    assert of_table(pa.table(one)) != of_table(pa.table(other))


def test_what_the_lake_keeps_has_the_fingerprint_it_had_in_memory(tmp_path: Path) -> None:
    lake = DeltaLake(tmp_path)
    data = _table([(1, float("nan"), "x"), (None, -0.0, None), (2**40, None, "ü")])
    assert lake.write("t", data, batch="b").fingerprint == of_table(data) == lake.fingerprint("t", batch="b")
