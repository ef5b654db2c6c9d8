"""The noun Dataset: its arrivals, from the landing folder to the reports."""

import dagster as dg

from mlops_assets import keys
from mlops_assets.components import references
from mlops_assets.components.house import House
from mlops_assets.components.noun import Noun
from mlops_assets.components.origin import Origin
from mlops_assets.components.scaffold import DatasetScaffolder
from mlops_assets.resources import declaration
from mlops_assets.rooms.explore import assets as explore
from mlops_assets.rooms.ingest import assets as ingest
from mlops_assets.rooms.ingest import sensors
from mlops_assets.rooms.validate import assets as validate
from mlops_assets.spec import dataset as spec


@dg.scaffold_with(DatasetScaffolder)
class Dataset(Noun[spec.Dataset]):
    """Where data arrives, and the contract that it must meet."""

    spec_type = spec.Dataset

    def check(self, origin: Origin) -> None:
        """Look up the contract."""
        if self.spec.contract:
            references.check(self.spec.contract, origin, origin.at("contract"))
        if self.spec.source.dlt:
            references.check(self.spec.source.dlt, origin, origin.at("source", "dlt"))

    def merged(self, house: House) -> dg.Definitions:
        """The assets of an arrival, the job that makes them in one run, and the sensor that asks for it."""
        plan = house.dataset(self.name)
        pull_jobs, pull_sensors = sensors.pulls(plan)
        return dg.Definitions(
            assets=[*ingest.build(plan), *validate.build(plan), *explore.build(plan)],
            sensors=[*sensors.build(plan, house.waits_for(self.name)), *pull_sensors],
            jobs=[
                *pull_jobs,
                dg.define_asset_job(
                    keys.arrival_job(self.name),
                    selection=dg.AssetSelection.tag(declaration.WAY, self.name),
                    description=f"One batch of {self.name}, the whole way: from what landed to the reports.",
                ),
            ],
        )
