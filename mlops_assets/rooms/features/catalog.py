"""Who owns, uses and refreshes which features, and what each of them means."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mlops_assets import keys
from mlops_assets.rooms.features import definitions
from mlops_assets.rooms.features.views import views
from mlops_assets.spec.base import duration_text
from mlops_assets.spec.feature_table import FeatureTable, window_name
from mlops_assets.spec.model import Model
from mlops_assets.spec.plan import FeaturePlan
from mlops_assets.stores.lake import Lake
from mlops_assets.stores.lineage import Lineage


@dataclass(frozen=True)
class Feature:
    """What a feature is.

    Attributes:
        table: the feature table's name.
        name: of the feature.
        kind: `column`, `function`, `join` or a statistic's name.
        source: the dataset or feature table that it comes from.
        meaning: its expression, or the function that returns it.
        by: the columns that it is joined or grouped by.
        over: a statistic's window.
        ttl: the age from which a joined value is no value.
    """

    table: str
    name: str
    kind: str
    source: str
    meaning: str
    by: tuple[str, ...] = ()
    over: str | None = None
    ttl: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**self.__dict__, "by": list(self.by)}


def features(table: FeatureTable) -> list[Feature]:
    """Each feature of a table, in its order."""
    return [*_own(table), *_joined(table), *_counted(table)]


def entry(
    lake: Lake, lineage: Lineage, plan: FeaturePlan, models: Iterable[Model], others: Iterable[FeatureTable]
) -> dict[str, Any]:
    """What is known of a table: its owners, users and refreshes.

    Args:
        lake: tells when it was refreshed.
        lineage: tells which released models use it.
        plan: the table.
        models: all that are declared.
        others: all declared feature tables; those of the same name are its other versions.
    """
    table, offline = plan.table, keys.table(plan.table.name, "offline")
    newest = lake.history(offline)[-1] if lake.exists(offline) else {}
    released = definitions.users(lineage, table.name)
    versions = [each for each in others if each.family == table.family]
    return {
        "table": table.name,
        "version": table.version,
        "versions": sorted(each.version for each in versions),
        "description": table.description,
        "owners": list(table.owners) or ["team:mlops"],
        "dataset": table.dataset,
        "key": list(plan.dataset.key),
        "features": len(table.feature_names()),
        "used_by": sorted(model.name for model in models if table.name in model.features),
        "joined_by": sorted(each.name for each in others if table.name in each.tables()),
        "released": [f"{user.model} version {user.version}" for user in released],
        "refreshed_by": keys.arrival_job(table.dataset),
        "refreshed_at": newest.get("time"),
        "batch": newest.get("batch"),
        "online": [{"entity": list(view.by), "features": list(view.features)} for view in views(table)],
    }


def search(tables: Mapping[str, FeatureTable], text: str) -> list[Feature]:
    """The features whose name, meaning, source or table holds every word of a text, whatever their case."""
    words = text.casefold().split()
    return [
        feature
        for table in tables.values()
        for feature in features(table)
        if all(word in _text(feature, table).casefold() for word in words)
    ]


def _text(feature: Feature, table: FeatureTable) -> str:
    parts = (feature.table, feature.name, feature.kind, feature.source, feature.meaning, *feature.by)
    return " ".join((*parts, table.description, *table.owners))


def _own(table: FeatureTable) -> Iterator[Feature]:
    for name, expression in table.columns.items():
        yield Feature(table.name, name, "column", table.dataset, expression)
    for function in table.functions:
        for name in function.columns:
            yield Feature(table.name, name, "function", table.dataset, function.function)


def _joined(table: FeatureTable) -> Iterator[Feature]:
    for join in table.joins:
        written = {name: ("join", expression) for name, expression in join.columns.items()}
        written |= {name: ("function", each.function) for each in join.functions for name in each.columns}
        for name, (kind, meaning) in written.items():
            limit = table.age_limit(join, name)
            ttl = duration_text(limit) if limit else None
            yield Feature(table.name, name, kind, join.source[0], meaning, by=join.on, ttl=ttl)


def _counted(table: FeatureTable) -> Iterator[Feature]:
    for each in table.aggregations:
        for over in each.over:
            name, window = window_name(each, over), duration_text(over)
            yield Feature(table.name, name, each.stat, table.counted(each), each.of, by=each.by, over=window)
