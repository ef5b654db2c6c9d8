"""Killed at any moment and started again, the platform ends in the same tables as if nothing had happened."""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mlops_assets.rooms.retrain.claim import CLAIM
from mlops_assets.settings import Settings
from mlops_assets.stores.delta import DeltaLake
from mlops_assets.stores.lineage import SqliteLineage
from mlops_assets.stores.mlflow import MlflowRegistry
from mlops_assets_tests.journeys.replay import DONE, MONTHS

pytestmark = pytest.mark.journey

TRAINING, SCORING = "flight_delays_retrain", f"flights_arrival {MONTHS[-1]}"
ARRIVALS = [f"{dataset}_arrival {month}" for month in MONTHS[:-1] for dataset in ("weather", "flights")]
LONGEST = 6.0
"""Seconds after which a run that was to be killed is, or whatever follows it by then."""
PATIENCE = 400

Process = subprocess.Popen[str]


def start(home: Path) -> Process:
    command = [sys.executable, "-m", "mlops_assets_tests.journeys.replay", str(home)]
    with home.with_suffix(".log").open("a") as log:
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True)


def kill(process: Process, run: str, after: float) -> None:
    """Kill the process and all that it started, some seconds after a run has begun."""
    assert process.stdout is not None
    begun = any(line == f"{run}\n" for line in process.stdout)
    try:
        process.wait(timeout=after if begun else PATIENCE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def finish(process: Process, home: Path) -> None:
    output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, home.with_suffix(".log").read_text()
    assert output.splitlines()[-1] == DONE


def tables(home: Path) -> dict[str, str]:
    lake = DeltaLake(Settings(home=home).lake)
    return {table: lake.fingerprint(table) for table in lake.tables()}


def decisions(home: Path) -> dict[str, list[str]]:
    """What was requested, judged and released of each model, in order.

    How two models' records interleave may differ, and that a run which was lost is launched again.
    """
    found: dict[str, list[str]] = {}
    for record in SqliteLineage(Settings(home=home).lineage).records():
        if record.kind != CLAIM:
            found.setdefault(record.subject, []).append(record.kind)
    return found


def trainings(home: Path) -> list[str]:
    """How the MLflow runs of the model ended."""
    settings = Settings(home=home)
    registry = MlflowRegistry(settings.mlflow_uri, settings.mlflow_artifacts)
    runs = registry.client().search_runs([registry.experiment("flight_delays")])
    return [run.info.status for run in runs]


def test_killed_at_random_moments_it_ends_in_the_same_tables(tmp_path: Path) -> None:
    undisturbed, disturbed = tmp_path / "undisturbed", tmp_path / "disturbed"
    beside = start(undisturbed)
    chance = random.Random(os.environ.get("MLOPS_KILL_SEED", "2013"))  # noqa: S311 - moments, not secrets
    for run in (chance.choice(ARRIVALS), TRAINING, SCORING):
        kill(start(disturbed), run, chance.uniform(0, LONGEST))
    finish(start(disturbed), disturbed)
    finish(beside, undisturbed)
    expected = tables(undisturbed)
    model = {f"flight_delays/{stage}" for stage in ("training_set", "predictions", "drift_report")}
    assert model <= expected.keys()
    assert tables(disturbed) == expected
    assert decisions(disturbed) == decisions(undisturbed)
    assert set(trainings(disturbed)) <= {"FINISHED", "KILLED"}
