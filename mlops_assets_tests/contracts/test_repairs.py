"""One suite over every registered repair: what it changes is recorded cell by cell, all else stays, no row is lost."""

from dataclasses import dataclass
from typing import Any, get_args

import pyarrow as pa
import pytest
from pydantic import TypeAdapter

from mlops_assets.rooms.validate.contract import Column, Contract
from mlops_assets.rooms.validate.repairing import Repairs
from mlops_assets.rooms.validate.repairs import REPAIRS
from mlops_assets.rooms.validate.split import Split, split
from mlops_assets.spec import repair as spec
from mlops_assets.spec.dataset import Dataset
from mlops_assets.spec.source import Source

PLANES = "(select * from (values ('N1', 100), ('N2', 200), ('N3', 1), ('N3', 2)) t(tail, seats))"


@dataclass(frozen=True)
class Example:
    """A repair of column `x`, what arrives in it, and what the clean table holds then."""

    repair: dict[str, Any]
    arrives: list[Any]
    type: str
    becomes: list[Any]

    @property
    def declared(self) -> spec.Repair:
        found: spec.Repair = TypeAdapter(spec.Repair).validate_python(self.repair)
        return found


EXAMPLES = {
    "rename": Example({"kind": "rename", "columns": {"X 1": "x"}}, ["1", "2"], "BIGINT", [1, 2]),
    "trim": Example({"kind": "trim"}, [" a", "b\t", "c", "  ", None], "VARCHAR", ["a", "b", "c", "", None]),
    "trim to null": Example({"kind": "trim", "columns": ["x"], "empty": "null"}, [" a", "  "], "VARCHAR", ["a", None]),
    "cast": Example(
        {"kind": "cast", "column": "x", "to": "number", "decimal": ",", "thousands": "."},
        ["1.234,5", "7", None],
        "DOUBLE",
        [1234.5, 7.0, None],
    ),
    "cast to integer": Example(
        {"kind": "cast", "column": "x", "to": "integer", "thousands": "'"}, ["1'000", "2"], "BIGINT", [1000, 2]
    ),
    "cast to boolean": Example(
        {"kind": "cast", "column": "x", "to": "boolean", "truthy": ["ja"], "falsy": ["nein"]},
        ["Ja", "nein", None],
        "BOOLEAN",
        [True, False, None],
    ),
    "cast to date": Example(
        {"kind": "cast", "column": "x", "to": "date", "format": "%d.%m.%Y"}, ["31.12.2013"], "VARCHAR", ["2013-12-31"]
    ),
    "cast to timestamp": Example(
        {"kind": "cast", "column": "x", "to": "timestamp", "timezone": "America/New_York"},
        ["2013-01-01 00:00:00", "2013-07-01T00:00:00Z"],
        "VARCHAR",
        ["2013-01-01 05:00:00+00", "2013-07-01 00:00:00+00"],
    ),
    "cast an epoch": Example(
        {"kind": "cast", "column": "x", "to": "timestamp", "format": "epoch_ms"},
        [0, 1500],
        "VARCHAR",
        ["1970-01-01 00:00:00+00", "1970-01-01 00:00:01.5+00"],
    ),
    "unit": Example(
        {"kind": "unit", "column": "x", "factor": 1.8, "offset": 32.0, "digits": 1},
        [0.0, 100.0, None],
        "DOUBLE",
        [32.0, 212.0, None],
    ),
    "unit of a text": Example({"kind": "unit", "column": "x", "factor": 2}, ["4", " 5"], "DOUBLE", [8.0, 10.0]),
    "unit of some rows": Example(
        {"kind": "unit", "column": "x", "factor": 2, "when": "x < 10"}, [4.0, 40.0], "DOUBLE", [8.0, 40.0]
    ),
    "fill": Example({"kind": "fill", "column": "x", "value": 7}, [1, None, 3], "BIGINT", [1, 7, 3]),
    "fill NaN": Example({"kind": "fill", "column": "x", "value": 0.5}, [1.0, float("nan")], "DOUBLE", [1.0, 0.5]),
    "fill by reference": Example(
        {
            "kind": "fill",
            "column": "x",
            "reference": {"dataset": "planes", "column": "seats", "by": {"tail": "tail"}},
        },
        [None, 5, None, None],
        "BIGINT",
        [100, 5, None, None],
    ),
}
EVERY = pytest.mark.parametrize("name", EXAMPLES)


def repaired(example: Example, *, without: bool = False) -> Split:
    """The example's column beside others that no repair names."""
    named = "X 1" if example.repair["kind"] == "rename" else "x"
    count = len(example.arrives)
    arrived = {"id": list(range(count)), named: example.arrives, "tail": [f"N{n + 1}" for n in range(count)]}
    contract = Contract(
        (Column("id", "BIGINT"), Column("x", example.type, required=not without), Column("tail", "VARCHAR"))
    )
    rows = pa.table(arrived)
    dataset = Dataset(name="things", source=Source(files="*.csv"), key=("id",))
    repairs = Repairs((example.declared,), {"planes": PLANES})
    return split(rows.drop_columns([named]) if without else rows, contract, dataset, "one", repairs=repairs)


def test_every_registered_repair_has_an_example_and_every_declared_kind_is_registered() -> None:
    kinds = {str(get_args(model.model_fields["kind"].annotation)[0]) for model in get_args(get_args(spec.Repair)[0])}
    assert {example.repair["kind"] for example in EXAMPLES.values()} == set(REPAIRS)
    assert kinds == {*REPAIRS, "merge"}


@EVERY
def test_the_clean_table_holds_what_was_meant_and_no_row_is_lost(name: str) -> None:
    example = EXAMPLES[name]
    found = repaired(example)
    assert found.clean.column("x").to_pylist() == example.becomes
    assert found.rows_in == found.clean.num_rows + found.quarantine.num_rows + found.merged
    assert found.clean.column("tail").to_pylist() == [f"N{n + 1}" for n in range(len(example.arrives))]


@EVERY
def test_each_changed_cell_is_recorded_before_and_after_and_counted(name: str) -> None:
    example = EXAMPLES[name]
    found = repaired(example)
    cells = found.repairs.to_pylist()
    assert {cell["repair"] for cell in cells} == {example.repair["kind"]}
    assert all(cell["before"] != cell["after"] for cell in cells)
    assert sum(found.repaired.values()) == len(cells) > 0
    for cell in cells:
        if cell["_row"] is not None:
            before = example.arrives[cell["_row"] - 1]
            assert cell["before"] in (None if before is None else str(before), "nan")
            assert cell["column_name"] == "x"


@EVERY
def test_the_same_batch_again_gives_the_same_record(name: str) -> None:
    assert repaired(EXAMPLES[name]).repairs.equals(repaired(EXAMPLES[name]).repairs)


@EVERY
def test_a_batch_that_lacks_the_column_is_left_to_the_contract(name: str) -> None:
    found = repaired(EXAMPLES[name], without=True)
    assert found.clean.column("x").null_count == found.rows_in
    assert [cell for cell in found.repairs.to_pylist() if cell["column_name"] == "x"] == []
