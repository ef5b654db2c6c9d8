"""Which columns of a dataset a living model reads: what must not change under it."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from mlops_assets.spec.dataset import Dataset
from mlops_assets.spec.feature_table import FeatureTable
from mlops_assets.spec.plan import DatasetPlan, Reader
from mlops_assets.stores import sql
from mlops_assets.stores.expression import columns_named

if TYPE_CHECKING:
    from mlops_assets.stores.lineage import Lineage


def living(plan: DatasetPlan, lineage: "Lineage", given: Sequence[str]) -> dict[str, set[str]]:
    """Released model to the columns, of those given, that it reads of a dataset, through features and target."""
    found = {}
    for reader in plan.readers:
        if lineage.latest("release", reader.model.name):
            found[reader.model.name] = columns(reader, plan.dataset, given)
    return found


def columns(reader: Reader, dataset: Dataset, given: Sequence[str]) -> set[str]:
    """The columns behind features, target, key and time; all of them, where a function does not tell which it takes."""
    expressions, named = [], set[str]()
    for table in reader.tables:
        if any(True for _ in _functions(table, dataset.name)):
            return set(given)
        expressions += list(_expressions(table, dataset.name))
        named |= set(_named(table, dataset))
    if any(table.dataset == dataset.name for table in reader.tables):
        target = reader.model.target
        named.add(target.column)
        expressions += [*([target.expression] if target.expression else []), *target.excluded.values()]
    with sql.session() as connection:
        mentioned = {name for each in expressions for name in columns_named(connection, each, given)}
    return mentioned | (named & set(given))


def _functions(table: FeatureTable, dataset: str) -> Iterator[object]:
    if table.dataset == dataset:
        yield from table.functions
    for join in table.joins:
        if join.dataset == dataset:
            yield from join.functions


def _expressions(table: FeatureTable, dataset: str) -> Iterator[str]:
    if table.dataset == dataset:
        yield from table.columns.values()
    for join in table.joins:
        if join.dataset == dataset:
            yield from join.columns.values()
    for aggregation in table.aggregations:
        if table.counted(aggregation) == dataset:
            yield aggregation.of


def _named(table: FeatureTable, dataset: Dataset) -> Iterator[str]:
    yield from dataset.key
    yield from [dataset.event_time] if dataset.event_time else []
    yield from [dataset.outcomes.known_at] if dataset.outcomes else []
    for join in table.joins:
        if dataset.name in (table.dataset, join.dataset):
            yield from join.on
    for aggregation in table.aggregations:
        if dataset.name in (table.dataset, table.counted(aggregation)):
            yield from aggregation.by
