"""The sensors' loop without a daemon: the same sensors and runs, one after another in this process."""

from collections.abc import Callable
from dataclasses import dataclass, field

import dagster as dg

from mlops_assets.cli.memory import give_back, keep_loaded
from mlops_assets.cli.tick import evaluate

_SILENT = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass
class Loop:
    """Ticks every sensor until none asks for anything.

    Attributes:
        started: called with the job and the partition of each run before it starts.
        materialized: asset materializations so far.
    """

    instance: dg.DagsterInstance
    definitions: dg.Definitions
    started: Callable[[str, str], None] | None = None
    materialized: int = 0
    cursors: dict[str, str | None] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)

    def settle(self) -> None:
        """Go on until a whole round of sensors asks for nothing."""
        asked = True
        while asked:
            asked = sum(self.tick(sensor) for sensor in self._sensors()) > 0
        if self.materialized:
            keep_loaded()

    def tick(self, sensor: dg.SensorDefinition) -> bool:
        """Evaluate one sensor and carry out what it asks for; whether it asked for anything."""
        data = evaluate(sensor, self.instance, self.definitions, self.cursors.get(sensor.name))
        self.cursors[sensor.name] = data.cursor
        self.reasons[sensor.name] = data.skip_message or ""
        for wanted in data.dynamic_partitions_requests or []:
            if isinstance(wanted, dg.AddDynamicPartitionsRequest):
                self.instance.add_dynamic_partitions(wanted.partitions_def_name, list(wanted.partition_keys))
        for event in data.asset_events:
            self.instance.report_runless_asset_event(event)
        for request in data.run_requests or []:
            self._run(sensor, request)
        return bool(data.run_requests)

    def _run(self, sensor: dg.SensorDefinition, request: dg.RunRequest) -> None:
        job = self.definitions.resolve_job_def(request.job_name or str(sensor.job_name))
        if self.started:
            self.started(job.name, request.partition_key or "")
        tags = {**request.tags, "dagster/sensor_name": sensor.name, "dagster/run_key": request.run_key or ""}
        result = job.execute_in_process(
            instance=self.instance,
            partition_key=request.partition_key,
            tags=tags,
            run_config=_SILENT,
            raise_on_error=False,
        )
        self.materialized += len(result.get_asset_materialization_events())
        give_back()

    def _sensors(self) -> list[dg.SensorDefinition]:
        sensors = self.definitions.get_repository_def().sensor_defs
        return sorted(sensors, key=lambda sensor: (sensor.name.endswith("_retrain"), sensor.name))
