"""The pull job lands what is new of a database, and its sensor asks for it no more often than declared."""

import sqlite3
from pathlib import Path

import dagster as dg
import pytest
from click.testing import CliRunner

from mlops_assets.cli import datasets
from mlops_assets.cli.main import main
from mlops_assets.cli.tick import evaluate
from mlops_assets.resources.stores import Stores
from mlops_assets.rooms.ingest import sensors
from mlops_assets.rooms.ingest.landing import arrivals
from mlops_assets.spec.dataset import Dataset
from mlops_assets.spec.plan import DatasetPlan
from mlops_assets.spec.source import Source

WINE = Dataset(
    name="wine",
    key=("id",),
    source=Source.model_validate({"table": "wine", "database": "sqlite:///wine.db", "cursor": "id", "overlap": 10}),
)


def grow(home: Path, first: int, last: int) -> None:
    """Real rows of scikit-learn's wine, into a database."""
    from sklearn.datasets import load_wine

    data = load_wine(as_frame=True).frame
    with sqlite3.connect(home / "wine.db") as connection:
        data.iloc[first:last].to_sql("wine", connection, if_exists="append", index_label="id")
    connection.close()


def test_a_pull_is_a_run_and_the_next_is_due_later(tmp_path: Path) -> None:
    grow(tmp_path, 0, 100)
    jobs, asking = sensors.pulls(DatasetPlan(WINE))
    defs = dg.Definitions(jobs=jobs, sensors=asking, resources={"stores": Stores(home=str(tmp_path))})
    with dg.instance_for_test(temp_dir=str(tmp_path)) as instance:
        (request,) = evaluate(asking[0], instance, defs).run_requests or []
        result = defs.resolve_job_def("wine_pull").execute_in_process(instance=instance)
        assert result.success
        assert request.run_key == "wine_pull:none"
        assert "the next pull is due at" in str(evaluate(asking[0], instance, defs).skip_message)
    (arrival,) = arrivals(WINE, tmp_path)
    assert arrival.path.suffix == ".parquet"
    (landed,) = [event for event in result.all_events if event.event_type_value == "STEP_OUTPUT"]
    assert landed.event_specific_data.metadata["fetched"].value == 100  # type: ignore[union-attr]  # a step's output


def test_a_source_of_files_or_posts_is_not_pulled() -> None:
    for source in (Source(files="x/*.csv"), Source(stream=True)):
        assert sensors.pulls(DatasetPlan(Dataset(name="t", source=source))) == ([], [])


def test_mlops_pull_lands_now_and_names_what_is_not_pulled(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "")
    home.mkdir()
    grow(home, 0, 5)
    files = DatasetPlan(Dataset(name="files", source=Source(files="x/*.csv")))
    monkeypatch.setattr(datasets, "datasets", lambda: {"wine": DatasetPlan(WINE), "files": files})
    first = CliRunner().invoke(main, ["pull", "wine"])
    assert "5 rows fetched; landed: " in first.output, first.output
    grow(home, 5, 6)
    assert CliRunner().invoke(main, ["pull", "wine", "--json"]).output.count(": 1}") == 1
    assert "landed: nothing new" in CliRunner().invoke(main, ["pull", "wine"]).output
    refused = CliRunner().invoke(main, ["pull", "files"])
    assert refused.exit_code == 1
    assert "dataset 'files' is not pulled: its source is files; next: land files at x/*.csv" in refused.output
    assert "did you mean 'wine'" in CliRunner().invoke(main, ["pull", "wines"]).output
