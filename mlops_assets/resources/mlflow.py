"""dagster-mlflow with its faults corrected: one MLflow run a model materialization, always ended, never shared.

`dagster_mlflow` keys its run by the Dagster run, never ends it, and quietly goes on in whatever run is
active. Here the registry starts and ends the run, and `dagster_mlflow` only makes it the active one, so
that a user's own `mlflow.log_metric` lands in it too.
"""

import os
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache, partial
from types import SimpleNamespace
from typing import TYPE_CHECKING

import dagster as dg

from mlops_assets.errors import StoreError
from mlops_assets.resources.stores import Stores
from mlops_assets.stores.mlflow import MlflowRegistry
from mlops_assets.stores.registry import Registry
from mlops_assets.stores.training import MlflowTrainingRun

if TYPE_CHECKING:
    from dagster_mlflow.resources import MlFlow

_TURN = threading.Lock()
"""MLflow's tracking URI and experiment are the process's: one training at a time may hold them."""
_RUN = "dagster_run_id"
"""The tag that `dagster_mlflow` sets too, but only some time after the run was made."""
_GLOBALS = ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_ID", "MLFLOW_RUN_ID")


def training_registry(context: dg.AssetExecutionContext, stores: Stores, asset: dg.AssetKey) -> Registry:
    """The registry for the body of an asset that trains.

    Each `training` is one MLflow run, tagged with the Dagster run, job, asset and code version, and the
    active run of its thread while it lasts. Trainings in one process take turns. What an earlier training left
    RUNNING because its process was killed is ended first.
    """
    registry = _DagsterRegistry(context, stores, asset)
    registry.abandon(asset.path[0], lives=partial(_lives, context.instance))
    return registry


class _DagsterRegistry(MlflowRegistry):
    """The registry, with trainings that MLflow's own functions log into."""

    def __init__(self, context: dg.AssetExecutionContext, stores: Stores, asset: dg.AssetKey) -> None:
        found = stores.settings()
        super().__init__(found.mlflow_uri, found.mlflow_artifacts)
        self._dagster = found.dagster_url
        self._context = context
        self._asset = asset

    @contextmanager
    def training(self, model: str, *, tags: Mapping[str, str]) -> Iterator[MlflowTrainingRun]:
        """One MLflow run: always ended, FAILED on an exception, KILLED on an interrupt.

        Raises:
            StoreError: a run is active in this thread already.
        """
        self.client()
        _refuse_active()
        marks = _marks(self._context, self._asset) | _links(self._dagster, self._context, self._asset) | dict(tags)
        with _TURN, super().training(model, tags=marks) as run, _active(self._context, run, self.uri):
            yield run


def _lives(instance: dg.DagsterInstance, tags: Mapping[str, str]) -> bool:
    """Whether a training goes on; one that this instance knows nothing of is left to whoever started it."""
    run = instance.get_run_by_id(tags.get(_RUN, ""))
    return run is None or not run.is_finished


def _marks(context: dg.AssetExecutionContext, asset: dg.AssetKey) -> dict[str, str]:
    return {
        _RUN: context.run.run_id,
        "dagster_job": context.run.job_name,
        "dagster_asset": asset.to_user_string(),
        "dagster_code_version": context.assets_def.specs_by_key[asset].code_version or "",
    }


def _links(url: str, context: dg.AssetExecutionContext, asset: dg.AssetKey) -> dict[str, str]:
    """The way from MLflow's page of a run to Dagster's of the run and the asset."""
    run, made = f"{url}/runs/{context.run.run_id}", f"{url}/assets/{'/'.join(asset.path)}"
    note = f"Made by [Dagster's run {context.run.run_id[:8]}]({run}) for the asset [{asset.to_user_string()}]({made})."
    return {"dagster_run_url": run, "dagster_asset_url": made, "mlflow.note.content": note}


def _refuse_active() -> None:
    import mlflow

    active = mlflow.active_run()
    if active is not None:
        step = "end it where it was started"
        raise StoreError.of("an MLflow run is active in this thread already", got=active.info.run_id, step=step)


@contextmanager
def _active(context: dg.AssetExecutionContext, run: MlflowTrainingRun, uri: str) -> Iterator[None]:
    """Make a started run the active one; how it ended is the registry's to write."""
    import mlflow

    before = {name: os.environ.get(name) for name in _GLOBALS}
    config = {"experiment_name": run.model, "mlflow_tracking_uri": uri, "mlflow_run_id": run.run_id}
    seen = SimpleNamespace(log=context.log, dagster_run=context.run, run_id=context.run.run_id, resource_config=config)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", category=dg.BetaWarning)
            _session()(seen)
        yield
    finally:
        while (held := mlflow.active_run()) is not None:
            mlflow.end_run("RUNNING" if held.info.run_id == run.run_id else "FAILED")
        mlflow.set_tracking_uri(before["MLFLOW_TRACKING_URI"] or "")
        _restore(before)


@cache
def _session() -> "type[MlFlow]":
    """dagster-mlflow's class, except that it neither goes on in another run nor renames the one it is given."""
    import mlflow
    from dagster_mlflow.resources import MlFlow

    class Session(MlFlow):
        def _start_run(self, **_: object) -> None:
            mlflow.start_run(run_id=self.mlflow_run_id)

    return Session


def _restore(before: Mapping[str, str | None]) -> None:
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
