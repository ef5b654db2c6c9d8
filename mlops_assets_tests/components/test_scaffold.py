"""`dg scaffold defs` writes a declaration that loads, after looking at the data."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import dagster as dg
import duckdb
import pytest
import yaml
from dagster.components.scaffold.scaffold import get_scaffolder

import mlops_assets
from mlops_assets.components.loading import load
from mlops_assets.spec.model import Model

Scaffold = Callable[..., str]
CHURN = """
SELECT 'C' || i AS "Customer ID", i % 60 AS tenure, 20.5 + i % 7 AS "Monthly Charges", i % 3 = 0 AS senior,
       ['month', 'year'][1 + i % 2] AS "order", 'note ' || i AS notes, 1 AS constant,
       TIMESTAMP '2024-01-01' + INTERVAL (i) HOUR AS signed_up, CASE WHEN i % 5 = 0 THEN 'Yes' ELSE 'No' END AS churned
FROM range({rows}) AS t(i)
"""


@pytest.fixture
def scaffold(defs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scaffold:
    """Run a component's scaffolder as `dg` does, and give back what it wrote."""
    monkeypatch.setenv("MLOPS_HOME", str(tmp_path))

    def run(component: Any, name: str, **options: str) -> str:
        scaffolder: Any = get_scaffolder(component)
        target = defs / name
        target.mkdir()
        params = scaffolder.get_scaffold_params()(**options)
        request = dg.ScaffoldRequest(f"mlops_assets.{component.__name__}", target, "yaml", tmp_path, params)
        scaffolder.scaffold(request)
        return (target / "defs.yaml").read_text()

    return run


@pytest.fixture
def churn(tmp_path: Path) -> Callable[..., str]:
    """A file of customers."""

    def put(rows: int = 2000, name: str = "churn.csv", query: str = CHURN) -> str:
        duckdb.sql(query.format(rows=rows)).write_csv(str(tmp_path / name))
        return name

    return put


def test_a_model_is_written_with_its_dataset_and_features_and_loads(
    defs: Path, scaffold: Scaffold, churn: Callable[..., str]
) -> None:
    text = scaffold(mlops_assets.Model, "churn", source=churn(), target="churned")
    data, table, model = [document["attributes"] for document in yaml.safe_load_all(text)]
    assert data == {
        "name": "churn_data",
        "source": {"files": "churn.csv"},
        "key": ["Customer ID"],
        "event_time": "signed_up",
    }
    assert table["columns"] == {
        "tenure": "tenure",
        "monthly_charges": '"Monthly Charges"',
        "senior": "senior",
        "order": '"order"',
    }
    assert model["target"] == {"column": "churned", "expression": "churned = 'Yes'"}
    assert load(defs).jobs


def test_what_is_left_out_of_the_features_is_told_with_the_reason(
    scaffold: Scaffold, churn: Callable[..., str]
) -> None:
    text = scaffold(mlops_assets.Model, "churn", source=churn(), target="churned")
    assert "# left out: notes (text with 2,000 values)" in text
    assert "# left out: constant (never changes)" in text


def test_small_data_gets_limits_that_it_can_meet(scaffold: Scaffold, churn: Callable[..., str]) -> None:
    text = scaffold(mlops_assets.Model, "churn", source=churn(240), target="churned")
    spec = Model.model_validate(list(yaml.safe_load_all(text))[2]["attributes"])
    assert (spec.train.min_labels, spec.evaluate.min_rows, spec.retrain.min_new_labels) == (120, 30, 120)
    assert spec.train.holdout.days == 1


def test_a_target_of_zero_and_one_needs_no_expression(scaffold: Scaffold, churn: Callable[..., str]) -> None:
    query = "SELECT i AS id, i % 9 AS x, i % 2 AS won FROM range({rows}) AS t(i)"
    text = scaffold(mlops_assets.Model, "win", source=churn(query=query), target="won")
    data, _, model = [document["attributes"] for document in yaml.safe_load_all(text)]
    assert model["target"] == {"column": "won"}
    assert "event_time" not in data


@pytest.mark.parametrize(
    ("made", "told"),
    [
        ("i * 0.25", ("regression", "rmse")),
        ("i % 300", ("regression", "rmse")),
        ("['air', 'rail', 'sea'][1 + i % 3]", ("multiclass", "log_loss")),
        ("1 + i % 5", ("multiclass", "log_loss")),
    ],
)
def test_a_target_of_classes_or_of_values_is_told_by_what_it_holds_and_loads(
    defs: Path, scaffold: Scaffold, churn: Callable[..., str], made: str, told: tuple[str, str]
) -> None:
    query = "SELECT i AS id, i % 9 AS x, " + made + " AS y FROM range({rows}) AS t(i)"
    text = scaffold(mlops_assets.Model, "told", source=churn(query=query), target="y")
    spec = Model.model_validate(list(yaml.safe_load_all(text))[2]["attributes"])
    assert (spec.told_task, spec.objective) == told
    assert spec.target.expression is None
    assert load(defs).jobs


def test_a_dataset_is_written_from_a_glob_of_parquet(scaffold: Scaffold, tmp_path: Path) -> None:
    for month in (1, 2):
        duckdb.sql(f"SELECT {month} * 100 + i AS id FROM range(9) AS t(i)").write_parquet(
            f"{tmp_path}/2024-0{month}.parquet"
        )
    text = scaffold(mlops_assets.Dataset, "sales", source="*.parquet")
    assert "18 rows" in text
    assert yaml.safe_load(text)["attributes"] == {"name": "sales", "source": {"files": "*.parquet"}, "key": ["id"]}


def test_a_feature_table_is_written_for_a_dataset(scaffold: Scaffold) -> None:
    text = scaffold(mlops_assets.FeatureTable, "sky", dataset="flights")
    assert yaml.safe_load(text)["attributes"] == {"name": "sky", "dataset": "flights", "columns": {"example": "1"}}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": "churned"}, "--source is needed"),
        ({"source": "churn.csv"}, "--target is needed"),
        ({"source": "chrn.csv", "target": "churned"}, "no such file: chrn.csv"),
        ({"source": "churn.csv", "target": "churnd"}, "unknown column for --target 'churnd'.*did you mean 'churned'"),
        ({"source": "churn.csv", "target": "notes"}, "'notes' can be no answer; got: text with 2,000 values"),
        ({"source": "churn.csv", "target": "constant"}, "'constant' can be no answer; got: it never changes"),
        ({"source": "churn.csv", "target": "signed_up"}, "'signed_up' can be no answer; got: it is a time"),
        ({"source": "churn.csv", "target": "churned", "key": "nope"}, "unknown column for --key 'nope'"),
        ({"source": "churn.csv", "target": "churned", "event_time": "tenure"}, "'tenure' is no time"),
    ],
)
def test_a_wrong_option_is_one_line_and_leaves_nothing_behind(
    defs: Path, scaffold: Scaffold, churn: Callable[..., str], options: dict[str, str], message: str
) -> None:
    churn()
    with pytest.raises(click.ClickException, match=message):
        scaffold(mlops_assets.Model, "churn", **options)
    assert not (defs / "churn").exists()


def test_data_without_a_key_has_its_rows_numbered(defs: Path, scaffold: Scaffold, churn: Callable[..., str]) -> None:
    query = "SELECT i % 10 AS a, i % 7 AS row, i % 2 AS won FROM range({rows}) AS t(i)"
    source = churn(query=query)
    text = scaffold(mlops_assets.Model, "win", source=source, target="won")
    data, table, _ = [document["attributes"] for document in yaml.safe_load_all(text)]
    assert data["source"] == {"files": source, "numbered": "row_2"}
    assert data["key"] == ["row_2"]
    assert set(table["columns"]) == {"a", "row"}
    load(defs)
