"""Which columns of which datasets a feature is made of."""

from typing import TYPE_CHECKING

from mlops_assets import keys
from mlops_assets.spec.feature_table import window_name
from mlops_assets.spec.plan import FeaturePlan
from mlops_assets.stores import sql
from mlops_assets.stores.expression import columns, columns_named
from mlops_assets.stores.lake import BATCH, Lake

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Origin = tuple[str, str]
"""A dataset and a column of its clean table."""


def origins(lake: Lake, plan: FeaturePlan) -> dict[str, list[Origin]]:
    """Feature to the columns behind it: those its expression names, and those it is joined or grouped by."""
    table = plan.table
    with sql.connect() as connection:
        given = {name: columns(connection, lake.scan(keys.table(name, "clean"))) for name in table.datasets()}
        found = {
            name: _named(connection, table.dataset, given[table.dataset], expression)
            for name, expression in table.columns.items()
        }
        for join in table.joins:
            for name, expression in join.columns.items():
                named = _named(connection, join.dataset, given[join.dataset], expression)
                found[name] = [*((table.dataset, column) for column in join.on), *named]
        for aggregation in table.aggregations:
            named = _named(connection, table.dataset, given[table.dataset], aggregation.of)
            known_at = [plan.dataset.outcomes.known_at] if plan.dataset.outcomes else []
            behind = [*((table.dataset, column) for column in (*aggregation.by, *known_at)), *named]
            found |= {window_name(aggregation, over): behind for over in aggregation.over}
    return {name: list(dict.fromkeys(behind)) for name, behind in found.items()}


def _named(connection: "DuckDBPyConnection", dataset: str, given: list[str], expression: str) -> list[Origin]:
    return [(dataset, column) for column in columns_named(connection, expression, given) if column != BATCH]
