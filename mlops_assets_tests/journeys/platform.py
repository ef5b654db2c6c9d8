"""A platform in this process: its sensors' loop over a home, and what can be read back from it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import dagster as dg

from mlops_assets import keys
from mlops_assets.cli.home import prepare, unlogged
from mlops_assets.cli.loop import Loop
from mlops_assets.definitions import definitions
from mlops_assets.resources.stores import Stores
from mlops_assets.settings import Settings


@dataclass(frozen=True)
class Platform:
    """One home while it is being run."""

    settings: Settings
    instance: dg.DagsterInstance
    loop: Loop

    def failed_checks(self) -> list[str]:
        """Every failed check of severity ERROR so far, as asset:check: description."""
        found = []
        for run in self.instance.get_runs():
            of_type = dg.DagsterEventType.ASSET_CHECK_EVALUATION
            for record in self.instance.get_records_for_run(run.run_id, of_type=of_type).records:
                event = record.event_log_entry.dagster_event
                assert event is not None
                data = event.asset_check_evaluation_data
                if not data.passed and data.severity is dg.AssetCheckSeverity.ERROR:
                    found.append(f"{data.asset_key.to_user_string()}:{data.check_name}: {data.description}")
        return found

    def rows(self, dataset: str, stage: str, batch: str) -> int:
        """Of a batch in the lake."""
        lake = Stores().lake()
        table = keys.raw_table(dataset, batch) if stage == "raw" else keys.table(dataset, stage)
        return lake.read(table, batches=[batch]).num_rows if lake.exists(table) else 0

    def materialized(self, noun: str, stage: str) -> set[str]:
        """The batches for which an asset has been materialized."""
        return self.instance.get_materialized_partitions(dg.AssetKey(list(keys.key(noun, stage))))


@contextmanager
def run(home: Path) -> Iterator[Platform]:
    """Run a home; the process's environment is restored afterwards."""
    before = dict(os.environ)
    settings = prepare(home)
    try:
        with unlogged(settings) as instance:
            yield Platform(settings, instance, Loop(instance, _definitions()))
    finally:
        os.environ.clear()
        os.environ.update(before)


@cache
def _definitions() -> dg.Definitions:
    return definitions()
