"""A contract is inferred once, generously, and then stands until a person changes it."""

import json
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
import yaml

from mlops_assets.errors import ContractError
from mlops_assets.rooms.validate.contract import BatchBreach, Column, Contract
from mlops_assets.rooms.validate.frozen import frozen
from mlops_assets.rooms.validate.infer import infer, seen
from mlops_assets.rooms.validate.split import split
from mlops_assets.spec.dataset import Dataset
from mlops_assets.spec.source import Source

PLAIN = Dataset(name="things", source=Source(files="*.csv"))


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "-2", None], "BIGINT"),
        (["1", "2.5"], "DOUBLE"),
        (["1.0", "2.0"], "DOUBLE"),
        (["1", "NaN"], "DOUBLE"),
        (["9" * 30], "VARCHAR"),
        (["1234567890123456", "1.5"], "VARCHAR"),
        (["123456789012345", "1e300"], "DOUBLE"),
        (["007", "1"], "VARCHAR"),
        (["1_000"], "VARCHAR"),
        (["true", "False"], "BOOLEAN"),
        (["yes", "no"], "VARCHAR"),
        (["2013-01-01"], "DATE"),
        (["2013-01-01", "2013-01-01 05:00"], "TIMESTAMPTZ"),
        (["2013-01-01T05:00:00Z"], "TIMESTAMPTZ"),
        (["2013-13-01"], "VARCHAR"),
        (["", "1"], "VARCHAR"),
        ([None, None], "VARCHAR"),
    ],
)
def test_a_text_column_gets_the_narrowest_type_that_holds_all_of_it(values: list[str | None], kind: str) -> None:
    contract = infer(pa.table({"x": pa.array(values, pa.string())}), PLAIN)
    assert contract.columns == (Column("x", kind),)
    assert split(pa.table({"x": pa.array(values, pa.string())}), contract, PLAIN, "one").share == 0


def test_typed_columns_get_the_wide_form_of_their_type() -> None:
    raw = pa.table({"i": pa.array([1], pa.int8()), "f": pa.array([1], pa.float32()), "b": [True], "t": ["x"]})
    assert [column.type for column in infer(raw, PLAIN).columns] == ["BIGINT", "DOUBLE", "BOOLEAN", "VARCHAR"]


def test_only_key_and_event_time_are_demanded() -> None:
    dataset = Dataset(name="things", source=Source(files="*"), key=("id",), event_time="at")
    contract = infer(pa.table({"id": ["1"], "at": ["2013-01-01"], "x": ["1"]}), dataset)
    assert contract.columns == (
        Column("id", "BIGINT", nullable=False),
        Column("at", "TIMESTAMPTZ", nullable=False),
        Column("x", "BIGINT"),
    )


def test_a_first_batch_without_the_key_freezes_nothing(tmp_path: Path) -> None:
    dataset = Dataset(name="things", source=Source(files="*"), key=("id",))
    with pytest.raises(BatchBreach, match="no id"):
        frozen(tmp_path / "things.yaml", pa.table({"x": ["1"]}), dataset, "one")
    assert list(tmp_path.iterdir()) == []


def test_later_data_never_changes_a_frozen_contract(tmp_path: Path) -> None:
    path = tmp_path / "contracts" / "things.yaml"
    first = frozen(path, pa.table({"x": ["1"]}), PLAIN, "one")
    written = path.read_bytes()
    assert frozen(path, pa.table({"x": ["y"], "z": ["1"]}), PLAIN, "two") == first
    assert path.read_bytes() == written
    assert b"inferred from its batch one (1 rows)" in written
    assert [file.name for file in path.parent.iterdir()] == ["things.yaml"]


def test_a_person_may_add_a_rule(tmp_path: Path) -> None:
    path = tmp_path / "things.yaml"
    frozen(path, pa.table({"x": ["1"]}), PLAIN, "one")
    content = yaml.safe_load(path.read_text())
    content["columns"][0]["rules"] = [{"name": "positive", "sql": '"x" > 0'}]
    path.write_text(json.dumps(content))
    contract = frozen(path, pa.table({"x": ["1"]}), PLAIN, "one")
    assert split(pa.table({"x": ["-1"]}), contract, PLAIN, "two").reasons == {"x:positive": 1}


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"columns": [{"name": "x", "type": "MAGIC"}]}'])
def test_a_damaged_contract_is_named_and_never_replaced(tmp_path: Path, content: str) -> None:
    path = tmp_path / "things.yaml"
    path.write_text(content)
    with pytest.raises(ContractError, match=r"things\.yaml"):
        frozen(path, pa.table({"x": ["1"]}), PLAIN, "one")
    assert path.read_text() == content


def test_a_contract_survives_json() -> None:
    contract = Contract((Column("x", "BIGINT", required=False, description="an x"),), unique=(("x",),), closed=True)
    assert Contract.from_dict(json.loads(json.dumps(contract.to_dict()))) == contract


@pytest.mark.parametrize(("digits", "kind"), [("12,2", "DOUBLE"), ("12,0", "BIGINT"), ("38,0", "VARCHAR")])
def test_decimals_become_what_holds_them(digits: str, kind: str) -> None:
    whole, part = map(int, digits.split(","))
    values = pa.array([Decimal(f"1.{'0' * (part - 1)}1") if part else Decimal("9" * whole)], pa.decimal128(whole, part))
    assert infer(pa.table({"x": values}), PLAIN).columns == (Column("x", kind),)


def test_the_file_says_how_many_values_there_are_and_never_more_than_rows() -> None:
    raw = pa.table({"x": [float(i) / 7 for i in range(400)], "y": [7] * 400})
    assert seen(raw, infer(raw, PLAIN)) == (
        400,
        {"x": "0.0 to 57.0, 400 values, none missing", "y": "only 7, none missing"},
    )
