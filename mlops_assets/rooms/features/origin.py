"""Which columns of which tables a feature is made of."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from mlops_assets import keys
from mlops_assets.rooms.features import functions
from mlops_assets.rooms.features.binding import early
from mlops_assets.rooms.features.relations import known_column
from mlops_assets.spec.dataset import Dataset
from mlops_assets.spec.feature_table import Function, window_name
from mlops_assets.spec.plan import FeaturePlan
from mlops_assets.stores import sql
from mlops_assets.stores.expression import columns, columns_named
from mlops_assets.stores.lake import BATCH, Lake

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Origin = tuple[keys.Key, str]
"""The key of a table, and one of its columns."""


def origins(lake: Lake, plan: FeaturePlan) -> dict[str, list[Origin]]:
    """Feature to the columns behind it: those its expression names, and those it is joined or grouped by."""
    table, described = plan.table, keys.key(plan.table.dataset, "clean")
    with sql.session() as connection:
        seen = _Seen(connection, lake, plan)
        found = seen.named(described, plan.dataset, table.columns, table.functions)
        for join in table.joins:
            links: list[Origin] = [(described, column) for column in join.on]
            named = seen.named(join.source, plan.joined(join), join.columns, join.functions)
            found |= {name: [*links, *behind] for name, behind in named.items()}
        for aggregation in table.aggregations:
            counted = keys.key(table.counted(aggregation), "clean")
            known = known_column(plan.datasets[counted[0]])
            links = [(described, column) for column in aggregation.by]
            named = seen.named(counted, plan.datasets[counted[0]], {"of": aggregation.of}, ())
            behind = [*links, *([(counted, known)] if known else []), *named["of"]]
            found |= {window_name(aggregation, over): behind for over in aggregation.over}
    return {name: list(dict.fromkeys(behind)) for name, behind in found.items()}


class _Seen:
    """The tables behind a feature table, as far as their columns go."""

    def __init__(self, connection: "DuckDBPyConnection", lake: Lake, plan: FeaturePlan) -> None:
        self.connection, self.lake, self.plan = connection, lake, plan

    def named(
        self, key: keys.Key, dataset: Dataset, given: Mapping[str, str], declared: Iterable[Function]
    ) -> dict[str, list[Origin]]:
        """Feature to the columns of a table that its expression names."""
        relation = self.lake.scan("/".join(key), batches=[])
        held = columns(self.connection, relation)
        written = dict(given)
        for each in declared:
            written |= functions.expressions(
                self.connection, each, self.plan.place, relation=relation, early=early(dataset, held), what="origins"
            )
        return {
            name: [(key, column) for column in columns_named(self.connection, expression, held) if column != BATCH]
            for name, expression in written.items()
        }
