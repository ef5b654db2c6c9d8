"""What of a feature table is looked up online: a view each entity, such as a carrier, whose values requests share."""

import hashlib
from dataclasses import dataclass

from mlops_assets import keys
from mlops_assets.rooms.features import windows
from mlops_assets.rooms.features.compile import Compiled
from mlops_assets.spec.feature_table import FeatureTable, Join, window_name
from mlops_assets.spec.plan import FeaturePlan
from mlops_assets.stores.sql import identifier, identifiers

TIME = "as_of"
"""The column of a view's event times: of a joined row its own, of a statistic the moment as of which it was taken."""


@dataclass(frozen=True)
class View:
    """Features that are looked up by the same columns.

    Attributes:
        name: of the table in the online store.
        by: the entity's columns.
        source: the key of the table that the features come from.
        features: their names.
        part: the join or the group of aggregations that they are declared in.
        position: of a join among the joins.
    """

    name: str
    by: tuple[str, ...]
    source: keys.Key
    features: tuple[str, ...]
    part: Join | windows.Group
    position: int = 0


def views(table: FeatureTable) -> list[View]:
    """A feature table's views: one a join, and one a group of aggregations."""
    found: list[View] = []
    for position, join in enumerate(table.joins):
        name = _named(table, join.source[0], join.on, found)
        found.append(View(name, join.on, join.source, tuple(join.feature_names()), join, position))
    for group in windows.by_group(table):
        names = tuple(window_name(each, over) for each in group.aggregations for over in each.over)
        name, source = _named(table, group.dataset, group.by, found), keys.key(group.dataset, "clean")
        found.append(View(name, group.by, source, names, group))
    return found


def sql(view: View, compiled: Compiled, *, links: str, rows: str, at: str) -> str:
    """The rows of a view for the links of a relation: its columns, `as_of` and the features.

    Args:
        view: whose rows.
        compiled: the feature table that it is part of.
        links: relation with the entity's columns; rows where one is null are no entity.
        rows: relation of the joined or the counted rows.
        at: the SQL of the moment as of which statistics are taken.
    """
    given = ", ".join(f"{identifier(name)} as {identifier('link:' + name)}" for name in view.by)
    there = " and ".join(f"{identifier(name)} is not null" for name in view.by)
    entity = f"select distinct {given}, {at} as moment from {links} where {there}"
    asked = ", ".join(f"entity.{identifier('link:' + name)} as {identifier(name)}" for name in view.by)
    linked = identifiers(["link:" + name for name in view.by])
    if isinstance(view.part, Join):
        newest = f"row_number() over (partition by {linked} order by instant desc nulls last) = 1"
        part, time = f"select * from ({compiled.joined(view.part, rows)}) qualify {newest}", "part.instant"
        values = [f"part.{identifier('feature:' + name)} as {identifier(name)}" for name in view.features]
    else:
        part, time = compiled.known(view.part, rows), "entity.moment"
        pairs = [windows.value(each, over, "part") for each in view.part.aggregations for over in each.over]
        values = [f"{value} as {identifier(name)}" for name, value in pairs]
    return (
        f"with entity as materialized ({entity}), part as materialized ({part})\n"
        f"select {asked}, {time} as {TIME}, {', '.join(values)} from entity left join part using ({linked})"
    )


def digest(view: View, plan: FeaturePlan, compiled: Compiled) -> str:
    """Of everything in the declaration that a view's rows depend on, 12 hex digits."""
    text = sql(view, compiled, links="l", rows="r", at="m")
    source = plan.joined(view.part) if isinstance(view.part, Join) else plan.datasets[view.part.dataset]
    return hashlib.sha256(f"{text}\n{source.event_time} {source.outcomes}".encode()).hexdigest()[:12]


def _named(table: FeatureTable, source: str, by: tuple[str, ...], taken: list[View]) -> str:
    name = f"{keys.table(table.name, 'online')}/{source}.{'.'.join(by)}"
    same = sum(view.name.partition("#")[0] == name for view in taken)
    return f"{name}#{same + 1}" if same else name
