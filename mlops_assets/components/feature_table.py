"""The noun FeatureTable: features of the rows of a dataset, for training and for look-ups."""

import dagster as dg

from mlops_assets.components.house import House
from mlops_assets.components.noun import Noun
from mlops_assets.components.scaffold import FeatureTableScaffolder
from mlops_assets.rooms.features import assets, checks
from mlops_assets.spec import feature_table as spec


@dg.scaffold_with(FeatureTableScaffolder)
class FeatureTable(Noun[spec.FeatureTable]):
    """Features over datasets, shared by any number of models."""

    spec_type = spec.FeatureTable

    def merged(self, house: House) -> dg.Definitions:
        """The feature tables and their checks; they are made on the way of the dataset that they describe."""
        plan = house.table(self.name)
        return dg.Definitions(assets=assets.build(plan), asset_checks=checks.build(plan))
