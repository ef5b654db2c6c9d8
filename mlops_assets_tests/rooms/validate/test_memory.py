"""A batch in memory is judged as one that is not: whatever is carried over, lifted or cast, the rows are the same."""

import json
from typing import Any

import pyarrow as pa
import pytest

from mlops_assets.rooms.validate import memory
from mlops_assets.rooms.validate.contract import Column, Contract, Rule
from mlops_assets.rooms.validate.repairing import ID
from mlops_assets.rooms.validate.split import Split, split
from mlops_assets.spec.dataset import Dataset
from mlops_assets.spec.repair import Trim
from mlops_assets.spec.source import Source
from mlops_assets.stores.delta import DeltaLake

CONTRACT = Contract(
    (
        Column("id", "BIGINT", nullable=False),
        Column("name", "VARCHAR"),
        Column("x", "DOUBLE", rules=(Rule("positive", '"x" > 0'),)),
        Column("absent", "DATE", required=False),
    )
)
ROWS = 300


def _dataset(**given: Any) -> Dataset:
    return Dataset(name="things", source=Source(files="*"), key=("id",), **given)


def _batch(bad: int) -> pa.Table:
    """Rows of which the last `bad` have a negative `x`; the second to last of the others has none, as it is NaN."""
    x = [float("nan") if n == ROWS - bad - 2 else -1.0 if n >= ROWS - bad else n + 0.5 for n in range(ROWS)]
    return pa.table({"more": [None] * ROWS, "ID": range(ROWS), "name": [f"n{n % 7}" for n in range(ROWS)], "x": x})


def _as_text(rows: pa.Table) -> pa.Table:
    return pa.table({name: pa.array([_text(v) for v in rows.column(name).to_pylist()]) for name in rows.column_names})


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _same(one: Split, other: Split) -> bool:
    clean = [each.clean if isinstance(each.clean, pa.Table) else each.clean.to_arrow_table() for each in (one, other)]
    return clean[0].equals(clean[1]) and one.reasons == other.reasons and one.examples == other.examples


@pytest.mark.parametrize("bad", [0, 1, 60])
def test_values_text_and_a_batch_that_lies_on_disk_are_split_alike(tmp_path: Any, bad: int) -> None:
    rows = _batch(bad)
    lake = DeltaLake(tmp_path)
    lake.write("raw", rows, batch="one")
    found = split(rows, CONTRACT, _dataset(), "one")
    for other in (_as_text(rows), f"(select * exclude (_batch) from {lake.scan('raw')})"):
        assert _same(found, split(other, CONTRACT, _dataset(), "one"))
    assert _same(found, split(rows, CONTRACT, _dataset(repairs=(Trim(kind="trim", columns=("name",)),)), "one"))
    assert found.clean.num_rows == ROWS - bad
    assert found.clean.column("x").null_count == 1
    assert [row["_row"] for row in found.quarantine.to_pylist()] == list(range(ROWS - bad + 1, ROWS + 1))


def test_what_is_quarantined_of_a_text_is_the_text_as_it_arrived() -> None:
    rows = pa.table({"id": ["007", "8"], "name": [None, None], "x": ["1.50", "-0.10"]})
    found = split(rows, CONTRACT, _dataset(), "one")
    (row,) = found.quarantine.to_pylist()
    assert json.loads(row["row"]) == {"id": "8", "name": None, "x": "-0.10"}
    assert found.clean.to_pylist() == [{"id": 7, "name": None, "x": 1.5, "absent": None}]


@pytest.mark.parametrize("out", [[], [1], [1, 2, ROWS], list(range(2, ROWS, 2)), list(range(1, ROWS + 1))])
def test_rows_are_left_out_by_their_numbers(out: list[int]) -> None:
    rows = pa.table({ID: range(1, ROWS + 1)})
    left = memory.without(rows, pa.chunked_array([pa.array(out, pa.int64())]))
    assert left.column(ID).to_pylist() == [n for n in range(1, ROWS + 1) if n not in out]
