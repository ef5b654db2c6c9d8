"""Two versions are compared by key, by column and by the spread of values."""

from pathlib import Path

import pyarrow as pa
import pytest

from mlops_assets.errors import NotFound, UnknownName
from mlops_assets.stores.delta import DeltaLake
from mlops_assets.stores.difference import between

BEFORE = pa.table({"id": ["a", "b", "c", None], "it's": [1.0, 2.0, float("nan"), None], "old": [1, 2, 3, 4]})
AFTER = pa.table({"id": ["b", "c", None, "d"], "it's": [2.5, float("nan"), None, 9.0], "new": ["x", "y", "z", "w"]})


@pytest.fixture
def lake(tmp_path: Path) -> DeltaLake:
    lake = DeltaLake(tmp_path)
    lake.write("t", BEFORE, batch="only")
    lake.write("t", AFTER, batch="only")
    return lake


def test_rows_are_compared_by_key(lake: DeltaLake) -> None:
    found = between(lake, "t", 0, 1, ["id"])
    assert (found.rows, found.added, found.removed, found.changed) == ((4, 4), 1, 1, 1)
    assert found.examples == {"added": ["d"], "removed": ["a"], "changed": ["b"]}
    assert found.cells == {"it's": 1}
    assert found.columns == {"added": ["new"], "removed": ["old"], "retyped": []}
    assert found.spread["it's"]["max"] == ["2", "9"]
    assert not found.same


def test_a_key_of_several_columns_is_told_as_one(lake: DeltaLake) -> None:
    lake.write("pairs", pa.table({"a": ["x", "x"], "b": [1, 2]}), batch="only")
    lake.write("pairs", pa.table({"a": ["x"], "b": [3]}), batch="only")
    found = between(lake, "pairs", 0, 1, ["a", "b"])
    assert found.examples == {"added": ["(x, 3)"], "removed": ["(x, 1)", "(x, 2)"], "changed": []}


def test_without_a_key_whole_rows_are_compared_and_doubles_count(lake: DeltaLake) -> None:
    lake.write("u", pa.table({"n": [1, 1, 2]}), batch="b")
    lake.write("u", pa.table({"n": [1, 2, 2, 3]}), batch="b")
    found = between(lake, "u", 0, 1)
    assert (found.added, found.removed, found.changed) == (2, 1, None)
    assert found.spread["n"]["max"] == ["2", "3"]


def test_a_version_is_the_same_as_itself_in_any_order_of_columns(lake: DeltaLake) -> None:
    assert between(lake, "t", 1, 1, ["id"]).same
    assert between(lake, "t", 0, 0).spread == {}


def test_a_column_of_another_type_is_told(lake: DeltaLake) -> None:
    lake.write("t", AFTER.set_column(1, "it's", pa.array(["2.5", "nan", None, "nine"])), batch="only")
    found = between(lake, "t", 1, 2, ["id"])
    assert found.columns["retyped"] == ["it's: DOUBLE to VARCHAR"]
    assert (found.changed, found.examples["changed"]) == (1, ["d"])


def test_what_is_not_there_is_named(lake: DeltaLake) -> None:
    with pytest.raises(NotFound, match="no such version; got: 7"):
        between(lake, "t", 0, 7)
    with pytest.raises(UnknownName, match="unknown key column of table 't' 'old'"):
        between(lake, "t", 0, 1, ["old"])
