"""Reading a table of the lake in a notebook."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import mlops_assets
from mlops_assets.errors import NotFound, UnknownName
from mlops_assets.settings import Settings
from mlops_assets.stores.delta import DeltaLake


@pytest.fixture(autouse=True)
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DeltaLake:
    """Two versions of a table below `MLOPS_HOME`."""
    monkeypatch.setenv("MLOPS_HOME", str(tmp_path))
    opened = DeltaLake(Settings.from_env().lake)
    opened.write("flights/clean", pa.table({"id": [1, 2]}), batch="a")
    opened.write("flights/clean", pa.table({"id": [3]}), batch="b")
    return opened


def test_the_newest_version_is_read_as_a_pandas_frame() -> None:
    assert sorted(mlops_assets.read("flights/clean")["id"]) == [1, 2, 3]


def test_an_older_version_can_be_read(lake: DeltaLake) -> None:
    assert sorted(mlops_assets.read("flights/clean", version=lake.version("flights/clean") - 1)["id"]) == [1, 2]


@pytest.mark.parametrize(
    ("form", "rows"),
    [
        ("arrow", lambda data: data.num_rows),
        ("duckdb", lambda data: len(data.filter("id > 0").fetchall())),
        ("polars", lambda data: data.height),
        ("pandas", len),
    ],
)
def test_it_is_read_as_what_the_notebook_works_with(form: Any, rows: Any) -> None:
    found = mlops_assets.read("flights/clean", as_=form)
    assert rows(found) == 3
    assert list(getattr(found, "column_names", None) or found.columns) == ["id"]


def test_an_unknown_table_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="did you mean 'flights/clean'"):
        mlops_assets.read("flights/claen")


def test_an_unknown_form_is_answered_with_the_nearest() -> None:
    form: Any = "panda"
    with pytest.raises(UnknownName, match="did you mean 'pandas'"):
        mlops_assets.read("flights/clean", as_=form)


@pytest.mark.parametrize("version", [7, -1, "1", True, 1.5])
def test_a_version_that_is_none_is_an_error_that_says_so(version: Any) -> None:
    with pytest.raises(NotFound, match=r"no such version; got: (7|-1); allowed: 0 to|a version is a number; got:"):
        mlops_assets.read("flights/clean", version=version)


def test_of_many_tables_an_error_names_the_nearest(lake: DeltaLake) -> None:
    for day in range(1, 32):
        lake.write(f"flights/raw/2013-01-{day:02d}", pa.table({"id": [day]}), batch="one")
    with pytest.raises(UnknownName, match=r"allowed: flights/clean, .* and 8 more; next: did you mean"):
        mlops_assets.read("flights/claen")


def test_a_datasets_name_is_short_for_its_clean_table(lake: DeltaLake) -> None:
    assert sorted(mlops_assets.read("flights", as_="arrow")["id"].to_pylist()) == [1, 2, 3]
    assert lake.exists("flights/clean")
