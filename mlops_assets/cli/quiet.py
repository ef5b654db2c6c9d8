"""Waits for the daemon: quiet is when no run goes on and no sensor would ask for one."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import dagster as dg

from mlops_assets.cli.reconcile import UNFINISHED
from mlops_assets.cli.tick import evaluate


@dataclass
class Quiet:
    """Watches the runs that the daemon's sensors ask for.

    Attributes:
        doing: called with the job and the partition of a run that goes on.
    """

    instance: dg.DagsterInstance
    definitions: dg.Definitions
    doing: Callable[[str, str], None]
    poll_seconds: float = 2.0

    def wait(self) -> None:
        """Return when all that has landed is settled and all that follows from it is done."""
        while not self._quiet():
            time.sleep(self.poll_seconds)

    @property
    def materialized(self) -> int:
        """Asset materializations in the instance."""
        keys = self.instance.get_asset_keys()
        return sum(len(self.instance.fetch_materializations(key, limit=10_000).records) for key in keys)

    def _quiet(self) -> bool:
        """A run that came while the sensors were asked made them say that they wait for it: what they said is void."""
        before = self._newest()
        return not self._running() and not self._wanted() and self._newest() == before

    def _newest(self) -> str | None:
        runs = self.instance.get_runs(limit=1)
        return runs[0].run_id if runs else None

    def _running(self) -> bool:
        runs = self.instance.get_runs(filters=dg.RunsFilter(statuses=list(UNFINISHED)), limit=1)
        for run in runs:
            self.doing(run.job_name, run.tags.get("dagster/partition", ""))
        return bool(runs)

    def _wanted(self) -> bool:
        return any(self._asks(sensor) for sensor in self.definitions.get_repository_def().sensor_defs)

    def _asks(self, sensor: dg.SensorDefinition) -> bool:
        return bool(evaluate(sensor, self.instance, self.definitions).run_requests)
