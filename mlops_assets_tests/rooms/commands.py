"""The command line over the trips of `trips.py`: it runs the jobs that their project declares, in a home of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest
from click.testing import CliRunner, Result

from mlops_assets import keys
from mlops_assets.cli.home import prepare, unlogged
from mlops_assets.cli.main import main
from mlops_assets.resources.declaration import WAY
from mlops_assets.resources.stores import Stores
from mlops_assets.rooms.evaluate import assets as evaluate
from mlops_assets.rooms.release import assets as release
from mlops_assets.rooms.release import jobs
from mlops_assets.rooms.train import assets as train
from mlops_assets.spec.plan import ModelPlan

_SILENT = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@contextmanager
def declared(home: Path, plan: ModelPlan) -> Iterator[dg.Definitions]:
    """Let a model be what the project in a home declares; the environment is restored afterwards."""
    assets = [asset for room in (train, evaluate, release) for asset in room.build(plan)]
    labels = dg.AssetSpec(list(keys.key(plan.name, "labels")), tags={WAY: plan.dataset.name})
    stores = Stores(home=str(home))
    found = dg.Definitions(assets=[*assets, labels], jobs=jobs.build(plan), resources={"stores": stores})
    with pytest.MonkeyPatch.context() as patch:
        for name in ("MLOPS_HOME", "DAGSTER_HOME"):
            patch.setenv(name, str(home))
        patch.setattr("mlops_assets.definitions.definitions", lambda: found)
        yield found


def retrain(home: Path, plan: ModelPlan) -> None:
    """Train, judge, and release what the verdict accepts, in one run."""
    with declared(home, plan) as definitions, unlogged(prepare(home)) as instance:
        job = definitions.resolve_implicit_global_asset_job_def()
        assert job.execute_in_process(instance=instance, run_config=_SILENT).success


def mlops(home: Path, *words: str, width: int = 80) -> Result:
    """Say a command in a home, on a screen so many letters wide; the environment is restored afterwards."""
    given = {"COLUMNS": str(width), "MLOPS_HOME": str(home), "DAGSTER_HOME": str(home)}
    return CliRunner().invoke(main, [*words, "--home", str(home)], env=given)
