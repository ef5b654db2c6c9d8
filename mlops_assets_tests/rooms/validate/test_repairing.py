"""Repairs come before the contract, one after another; what they cannot mend is quarantined as it arrived."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pydantic import ValidationError

from mlops_assets import keys
from mlops_assets.rooms.validate.batch import validate_batch
from mlops_assets.rooms.validate.contract import BatchBreach, Column, Contract, Rule
from mlops_assets.rooms.validate.judgement import register
from mlops_assets.rooms.validate.repairing import Repairs, apply, kinds
from mlops_assets.rooms.validate.split import Split, split
from mlops_assets.spec.dataset import Dataset
from mlops_assets.spec.plan import DatasetPlan
from mlops_assets.stores import sql
from mlops_assets.stores.delta import DeltaLake

CONTRACT = Contract((Column("id", "BIGINT"), Column("x", "DOUBLE", rules=(Rule("positive", "x > 0"),))))


def dataset(*repairs: dict[str, Any], **given: Any) -> Dataset:
    declared = {"name": "things", "source": {"files": "*.csv"}, "key": ("id",), "repairs": repairs, **given}
    return Dataset.model_validate(declared)


def cleaned(rows: dict[str, list[Any]], *repairs: dict[str, Any]) -> Split:
    return split(pa.table(rows), CONTRACT, dataset(*repairs), "one")


def test_repairs_run_in_their_order_each_on_what_the_one_before_left() -> None:
    found = cleaned(
        {"id": [1, 2], "Size": [" 1,5 ", None]},
        {"kind": "rename", "columns": {"Size": "x"}},
        {"kind": "trim"},
        {"kind": "cast", "column": "x", "to": "number", "decimal": ","},
        {"kind": "unit", "column": "x", "factor": 10},
        {"kind": "fill", "column": "x", "value": 3},
    )
    assert found.clean.column("x").to_pylist() == [15.0, 3.0]
    cells = {(c["repair"], c["before"], c["after"]) for c in found.repairs.to_pylist() if c["_row"] == 1}
    assert cells == {("trim", " 1,5 ", "1,5"), ("cast", "1,5", "1.5"), ("unit", "1.5", "15.0")}
    assert found.repaired == {"rename x": 1, "trim x": 1, "cast x": 1, "unit x": 1, "fill x": 1}


@pytest.mark.parametrize(
    ("came", "columns", "becomes"),
    [
        (["id", "X"], {"X": "x"}, ["id", "x"]),
        (["id", "x"], {"X": "x"}, ["id", "x"]),
        (["id", "x", "Size"], {"Size": "X"}, ["id", "x", "Size"]),
    ],
)
def test_a_name_in_other_letters_is_another_name_and_no_column_takes_that_of_another(
    came: list[str], columns: dict[str, str], becomes: list[str]
) -> None:
    declared = dataset({"kind": "rename", "columns": columns}).repairs
    with sql.connect() as connection:
        register(connection, pa.table({name: [1] for name in came}))
        held = apply(connection, Repairs(declared))
        assert list(kinds(connection, held)) == becomes


def test_what_a_repair_cannot_read_stays_as_it_arrived_and_is_refused_for_its_type() -> None:
    found = cleaned({"id": [1], "x": ["about 3"]}, {"kind": "cast", "column": "x", "to": "number"})
    (row,) = found.quarantine.to_pylist()
    assert (row["reasons"], json.loads(row["row"])) == (["x:type"], {"id": 1, "x": "about 3"})
    assert found.repairs.num_rows == 0


@pytest.mark.parametrize(
    ("keep", "by", "kept"),
    [("first", None, 1.0), ("last", None, 2.0), ("max", "x", 3.0), ("min", "x", 1.0), ("newest", "at", 2.0)],
)
def test_doubled_keys_are_merged_by_the_rule_and_the_row_that_gives_way_is_recorded(
    keep: str, by: str | None, kept: float
) -> None:
    contract = Contract((*CONTRACT.columns, Column("at", "BIGINT")))
    rows = pa.table({"id": [1, 1, 1, 2], "x": [1.0, 3.0, 2.0, 9.0], "at": [1, 2, 3, 1]})
    found = split(rows, contract, dataset({"kind": "merge", "keep": keep, **({"by": by} if by else {})}), "one")
    assert dict(zip(found.clean["id"].to_pylist(), found.clean["x"].to_pylist(), strict=True)) == {1: kept, 2: 9.0}
    assert (found.merged, found.rows_in, found.quarantine.num_rows) == (2, 4, 0)
    merged = found.repairs.to_pylist()
    assert len(merged) == 2
    assert all(json.loads(cell["before"])["id"] == 1 and cell["after"].startswith("row ") for cell in merged)


def test_a_broken_row_never_takes_the_place_of_a_whole_one() -> None:
    found = cleaned({"id": [1, 1], "x": [5.0, -1.0]}, {"kind": "merge", "keep": "last"})
    assert found.clean.column("x").to_pylist() == [5.0]
    assert found.reasons == {"x:positive": 1}


@pytest.mark.parametrize(
    "condition", ["nothing > 1", "x > (select 1)", "x >", "sum(x) > 1", "row_number() over () = 1"]
)
def test_a_condition_is_one_over_the_row_or_the_batch_is_held(condition: str) -> None:
    with pytest.raises(BatchBreach, match="repair") as caught:
        cleaned({"id": [1], "x": [1.0]}, {"kind": "unit", "column": "x", "factor": 2, "when": condition})
    assert caught.value.reason == "batch:repair_failed(unit)"


def test_a_repair_that_looks_up_a_table_that_is_not_there_holds_the_batch() -> None:
    looked_up = {"dataset": "planes", "column": "seats", "by": {"id": "id"}}
    with pytest.raises(BatchBreach, match="land planes first"):
        cleaned({"id": [1], "x": [None]}, {"kind": "fill", "column": "x", "reference": looked_up})


@pytest.mark.parametrize(
    ("repairs", "said"),
    [
        ([{"kind": "fill", "column": "x"}], "a value or a reference"),
        ([{"kind": "merge", "keep": "max"}], "needs by"),
        ([{"kind": "merge", "keep": "newest"}], "needs by, or an event_time"),
        ([{"kind": "merge", "keep": "first"}] * 2, "declared twice"),
        ([{"kind": "cast", "column": "x", "to": "number", "thousands": "."}], "both '.'"),
        ([{"kind": "cast", "column": "x", "to": "timestamp", "timezone": "Mars/Base"}], "no such time zone"),
    ],
)
def test_a_repair_that_means_nothing_is_refused_when_it_is_declared(repairs: list[dict[str, Any]], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        dataset(*repairs)


def test_the_record_is_a_table_of_the_lake_and_the_same_batch_makes_no_new_version(tmp_path: Path) -> None:
    lake = DeltaLake(tmp_path / "data/lake")
    plan = DatasetPlan(dataset({"kind": "fill", "column": "x", "value": 1}, name="things", quarantine={"max_share": 1}))
    lake.write(keys.raw_table("things", "one"), pa.table({"id": ["1", "2"], "x": ["4", None]}), batch="one")
    first, again = (validate_batch(lake, plan, "one", tmp_path) for _ in range(2))
    assert first.repaired == {"fill x": 1}
    assert not any(version.changed for version in again.versions.values())
    [cell] = lake.read("things/repairs", batches=["one"]).to_pylist()
    assert cell == {"_row": 2, "column_name": "x", "repair": "fill", "before": None, "after": "1"}
