"""Databases held open: the same files, for every other reader of a home and after every death."""

import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from mlops_assets.cli.home import unlogged
from mlops_assets.resources.held_storage import SHARDS, HeldEvents
from mlops_assets.settings import Settings

_SILENT = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dg.asset
def figure() -> dg.MaterializeResult[None]:
    return dg.MaterializeResult(metadata={"rows": 3})


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    settings = Settings(home=tmp_path)
    settings.dagster_home.mkdir(parents=True)
    return settings


def _run(instance: dg.DagsterInstance) -> str:
    return dg.materialize([figure], instance=instance, run_config=_SILENT).run_id


def _read(settings: Settings) -> dg.DagsterInstance:
    """As Dagster itself opens the home."""
    return dg.DagsterInstance.from_config(str(settings.dagster_home))


def test_what_is_held_open_is_read_by_dagster_as_its_own(home: Settings) -> None:
    with unlogged(home) as instance:
        runs = [_run(instance) for _ in range(3)]
        with _read(home) as other:
            materialized = other.fetch_materializations(dg.AssetKey("figure"), limit=10).records
            assert {record.run_id for record in materialized} == set(runs)
            assert [other.get_run_by_id(run).status for run in runs] == [dg.DagsterRunStatus.SUCCESS] * 3  # type: ignore[union-attr]  # they exist
            assert {len(other.all_logs(run)) for run in runs} == {len(instance.all_logs(runs[0]))}


def test_dagsters_own_runs_go_on_in_a_home_that_was_held_open(home: Settings) -> None:
    with _read(home) as own:
        before = _run(own)
    with unlogged(home) as instance:
        between = _run(instance)
        assert instance.all_logs(before)
    with _read(home) as own:
        after = _run(own)
        assert all(own.all_logs(run) for run in (before, between, after))


def test_more_runs_than_are_held_open_can_all_be_read(home: Settings) -> None:
    with unlogged(home) as instance:
        runs = [_run(instance) for _ in range(SHARDS + 2)]
        assert isinstance(instance.event_log_storage, HeldEvents)
        assert len(instance.event_log_storage._engines) == SHARDS
        assert all(instance.all_logs(run) for run in runs)


KILLED = """
import os, sys
from pathlib import Path
from mlops_assets.cli.home import unlogged
from mlops_assets.settings import Settings
from mlops_assets_tests.resources.test_held_storage import _run
with unlogged(Settings(home=Path(sys.argv[1]))) as instance:
    _run(instance)
    os._exit(9)
"""


def test_what_a_process_wrote_before_it_was_killed_stays(home: Settings) -> None:
    assert subprocess.run([sys.executable, "-c", KILLED, str(home.home)], check=False).returncode == 9
    with _read(home) as own:
        (record,) = own.fetch_materializations(dg.AssetKey("figure"), limit=10).records
        assert own.get_run_by_id(record.run_id).status == dg.DagsterRunStatus.SUCCESS  # type: ignore[union-attr]  # it exists


def test_a_storage_that_a_home_declares_stays_as_it_is(home: Settings) -> None:
    elsewhere = home.home / "elsewhere"
    declared = f"storage:\n  sqlite:\n    base_dir: {elsewhere}\n"
    (home.dagster_home / "dagster.yaml").write_text(declared)
    with unlogged(home) as instance:
        assert isinstance(instance.event_log_storage, HeldEvents)
        _run(instance)
    assert (elsewhere / "history" / "runs.db").is_file()
    (home.dagster_home / "dagster.yaml").write_text(
        "event_log_storage:\n  module: dagster._core.storage.event_log\n  class: ConsolidatedSqliteEventLogStorage\n"
        f"  config: {{base_dir: {elsewhere}}}\n"
    )
    with unlogged(home) as instance:
        assert type(instance.event_log_storage).__name__ == "ConsolidatedSqliteEventLogStorage"
