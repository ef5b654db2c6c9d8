"""Dagster's own commands, called as any Dagster user calls them: no flag, no variable, and the state of `mlops`."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest

from mlops_assets.settings import Settings
from mlops_assets.stores.delta import DeltaLake
from mlops_assets_tests.journeys.test_browser import free_port
from mlops_assets_tests.samples import SAMPLES

pytestmark = pytest.mark.journey

PATIENCE = 240
SERVES = "Serving dagster-webserver"
OURS = ("DAGSTER_HOME", "MLOPS_HOME", "MLOPS_REPORTS_URL")
PLANES = dg.AssetKey(["planes", "raw"])


@pytest.fixture(scope="module")
def project(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project's folder as it is cloned, with one file that has landed."""
    folder = tmp_path_factory.mktemp("project")
    for name in ("dagster.yaml", "workspace.yaml"):
        shutil.copy(root / name, folder)
    landing = folder / "data" / "landing" / "planes"
    landing.mkdir(parents=True)
    shutil.copy(SAMPLES / "planes" / "planes.parquet", landing)
    return folder


def environment(root: Path) -> dict[str, str]:
    """A user's, to whom nobody has said anything of ours."""
    plain = {name: value for name, value in os.environ.items() if name not in OURS}
    return {**plain, "PYTHONPATH": str(root)}


@contextmanager
def dagster_dev(project: Path, root: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """`dagster dev` in the project's folder; only the port is given, so that two tests can run at once."""
    command = [sys.executable, "-m", "dagster", "dev", "-p", str(free_port())]
    with (project / "dev.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=project, env=environment(root), stdout=log, stderr=log, start_new_session=True
        )
        try:
            yield process
        finally:
            os.killpg(process.pid, signal.SIGINT)
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def state(project: Path) -> dg.DagsterInstance:
    """What Dagster knows, read as `mlops` reads it."""
    folder = Settings(home=project).dagster_home
    folder.mkdir(parents=True, exist_ok=True)
    return dg.DagsterInstance.from_config(str(folder))


def materializations(project: Path) -> int:
    with state(project) as instance:
        return len(instance.fetch_materializations(PLANES, limit=100).records)


def test_dagster_dev_takes_in_what_has_landed_without_being_told(project: Path, root: Path) -> None:
    with dagster_dev(project, root) as process:
        deadline = time.monotonic() + PATIENCE
        # Until it serves it makes its databases, and whoever opens them meanwhile would make them too.
        while SERVES not in (project / "dev.log").read_text() or not materializations(project):
            assert process.poll() is None, (project / "dev.log").read_text()
            assert time.monotonic() < deadline, (project / "dev.log").read_text()
            time.sleep(1)
    lake = DeltaLake(Settings(home=project).lake)
    assert "planes/raw/planes" in lake.tables()


def test_dagster_asset_materialize_goes_on_from_there(project: Path, root: Path) -> None:
    before = materializations(project)
    assert before, "needs what the test before has taken in"
    select = ["--select", 'key:"planes/raw"', "--partition", "planes"]
    command = [sys.executable, "-m", "dagster", "asset", "materialize", "-m", "mlops_assets.definitions", *select]
    done = subprocess.run(
        command, cwd=project, env=environment(root), capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 0, done.stderr
    assert materializations(project) == before + 1
    assert DeltaLake(Settings(home=project).lake).version("planes/raw/planes") == 0, "the same content, no new version"
