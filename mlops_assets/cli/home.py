"""The home of one platform: its folders, its Dagster instance, and the lock of the one process that runs it."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_assets.errors import Conflict
from mlops_assets.settings import Settings

if TYPE_CHECKING:
    from dagster import DagsterInstance
    from dagster._serdes import ConfigurableClassData

_QUIET = {"DO_NOT_TRACK": "1", "MLFLOW_DISABLE_TELEMETRY": "true", "DAGSTER_DISABLE_TELEMETRY": "1"}


def prepare(home: Path | None) -> Settings:
    """Make the folders, and point Dagster and every process started from here at them."""
    if home is not None:
        os.environ["MLOPS_HOME"] = str(home.resolve())
    settings = Settings.from_env()
    for folder in (settings.landing, settings.dagster_home, settings.reports):
        folder.mkdir(parents=True, exist_ok=True)
    configuration = settings.dagster_home / "dagster.yaml"
    if not configuration.exists():
        shutil.copyfile(Path(__file__).with_name("dagster.yaml"), configuration)
    os.environ.update({**_QUIET, "MLOPS_HOME": str(settings.home), "DAGSTER_HOME": str(settings.dagster_home)})
    return settings


@contextmanager
def unlogged(settings: Settings) -> Iterator["DagsterInstance"]:
    """The home's instance, for runs in this process: what a step prints is not kept in a file a step.

    Capturing it starts two more processes a step; events and their messages are kept as ever, in databases that stay
    open.
    """
    import dagster as dg
    from dagster._core.instance import InstanceRef  # the one way to override what dagster.yaml says

    nothing = {"module": "dagster._core.storage.noop_compute_log_manager", "class": "NoOpComputeLogManager"}
    declared = InstanceRef.from_dir(str(settings.dagster_home)).storage_data
    overrides = {"compute_logs": nothing, **_held(declared)}
    reference = InstanceRef.from_dir(str(settings.dagster_home), overrides=overrides)
    with dg.DagsterInstance.from_ref(reference) as instance:
        yield instance


def _held(declared: "ConfigurableClassData | None") -> dict[str, object]:
    """Dagster's own SQLite storage is held open; one that the home's user has declared stays as it is."""
    from mlops_assets.resources.held_storage import HeldStorage

    if declared is None or declared.class_name != "DagsterSqliteStorage":
        return {}
    named = {"module": HeldStorage.__module__, "class": HeldStorage.__name__, "config": dict(declared.config_dict)}
    return {"storage": {"custom": named}}


@contextmanager
def only_one(settings: Settings) -> Iterator[None]:
    """Hold the home's lock; it goes with the process, however that ends.

    Raises:
        Conflict: another process runs this home.
    """
    import fcntl

    path = settings.data / ".running"
    with path.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            raise Conflict.of(
                f"{settings.home} is being run by another process",
                got=f"process {lock.read().strip() or '(unknown)'}",
                step="stop it, or give another --home",
            ) from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield
