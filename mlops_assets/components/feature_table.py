"""The noun FeatureTable: features of the rows of a dataset, for training and for look-ups."""

import dagster as dg

from mlops_assets.components import references
from mlops_assets.components.house import House
from mlops_assets.components.noun import Noun
from mlops_assets.components.origin import Origin
from mlops_assets.components.scaffold import FeatureTableScaffolder
from mlops_assets.rooms.features import assets, checks
from mlops_assets.spec import feature_table as spec


@dg.scaffold_with(FeatureTableScaffolder)
class FeatureTable(Noun[spec.FeatureTable]):
    """Features over datasets, shared by any number of models."""

    spec_type = spec.FeatureTable

    def check(self, origin: Origin) -> None:
        """Look up the functions."""
        for number, function in enumerate(self.spec.functions):
            references.check(function.function, origin, origin.at("functions", number, "function"))
        for place, join in enumerate(self.spec.joins):
            for number, function in enumerate(join.functions):
                references.check(function.function, origin, origin.at("joins", place, "functions", number, "function"))

    def merged(self, house: House) -> dg.Definitions:
        """The feature tables and their checks; they are made on the way of the dataset that they describe."""
        plan = house.table(self.name)
        return dg.Definitions(assets=assets.build(plan), asset_checks=checks.build(plan))
