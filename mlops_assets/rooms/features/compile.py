"""A feature table as one DuckDB statement over relations."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlops_assets import keys
from mlops_assets.errors import SpecError
from mlops_assets.rooms.features import windows
from mlops_assets.rooms.features.binding import EVENT_TIME, Bound, bind
from mlops_assets.rooms.features.relations import Relations, instant, known_at, moment
from mlops_assets.spec.feature_table import FeatureTable, Join
from mlops_assets.spec.plan import FeaturePlan
from mlops_assets.stores.lake import BATCH
from mlops_assets.stores.sql import identifier, identifiers

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection


@dataclass(frozen=True)
class Compiled:
    """A feature table whose expressions have been checked.

    Attributes:
        plan: the table and its datasets.
        bound: its expressions, each of a settled type.
    """

    plan: FeaturePlan
    bound: Bound

    def compute(self, connection: "DuckDBPyConnection", relations: Relations) -> "pa.Table":
        """The features of the relations' entities.

        Raises:
            SpecError: an expression fails on a value.
        """
        import duckdb

        try:
            return connection.execute(self.sql(relations)).to_arrow_table()
        except duckdb.Error as error:
            raise SpecError.of(f"feature table '{self.plan.table.name}' cannot be computed: {error}") from error

    def sql(self, relations: Relations) -> str:
        """One row an entity row: key columns, event_time, features; ordered by event time and key."""
        parts = [("entity", self._entity(relations))]
        for i, (join, relation) in enumerate(zip(self.plan.table.joins, relations.joined, strict=True)):
            parts.append((f"joined_{i}", self.joined(join, relation)))
        for i, group in enumerate(windows.by_group(self.plan.table)):
            parts.append((f"known_{i}", self.known(group, relations.events[group.dataset])))
        ctes = ",\n".join(f"{name} as materialized (\n{text}\n)" for name, text in parts)
        return f"with {ctes}\n{self._select()}"

    def known(self, group: windows.Group, events: str) -> str:
        """A group's statistics at each moment that the relation `entity` asks about."""
        return windows.sql(group, self.bound.counted, events, known_at(self.plan.datasets[group.dataset]))

    def _entity(self, relations: Relations) -> str:
        dataset, table = self.plan.dataset, self.plan.table
        seen = self.bound.early[keys.key(table.dataset, "clean")]
        links = dict.fromkeys([c for j in table.joins for c in j.on] + [c for a in table.aggregations for c in a.by])
        given = [f"{identifier(column)} as {identifier('key:' + column)}" for column in dataset.key]
        given += [f"{instant(relations.at) if relations.at else moment(dataset)} as moment"]
        given += [f"{identifier(column)} as {identifier('link:' + column)}" for column in links]
        given += [f"{self.bound.expressions[name]} as {identifier('feature:' + name)}" for name in own(table)]
        return f"select {', '.join(given)} from (select {identifiers(seen)} from {relations.entities})"

    def joined(self, join: Join, relation: str) -> str:
        """One row a link and moment; of several the newest batch wins, and of equal ones the greatest values."""
        dataset, names = self.plan.joined(join), join.feature_names()
        links = [f"{identifier(column)} as {identifier('link:' + column)}" for column in join.on]
        values = [f"{self.bound.expressions[name]} as {identifier('feature:' + name)}" for name in names]
        asked = identifiers(["link:" + column for column in join.on])
        newest = ", ".join(f"{c} desc nulls last" for c in [BATCH, *(identifier("feature:" + n) for n in join.columns)])
        given = ", ".join([*links, f"{moment(dataset)} as instant", *values, BATCH])
        seen = identifiers([*self.bound.early[join.source], BATCH])
        return (
            f"select * from (select {given} from (select {seen} from {relation})) semi join entity using ({asked})\n"
            f"qualify row_number() over (partition by {asked}, instant order by {newest}) = 1"
        )

    def _select(self) -> str:
        dataset = self.plan.dataset
        given = [f"entity.{identifier('key:' + column)} as {identifier(column)}" for column in dataset.key]
        given += [] if EVENT_TIME in dataset.key else [f"entity.moment as {EVENT_TIME}"]
        given += [f"{value} as {identifier(name)}" for name, value in self._values()]
        order = ", ".join(["entity.moment", *(f"entity.{identifier('key:' + column)}" for column in dataset.key)])
        return f"select {', '.join(given)}\nfrom entity\n{self._clauses()}\norder by {order}"

    def _clauses(self) -> str:
        clauses = []
        for i, join in enumerate(self.plan.table.joins):
            timed = self.plan.joined(join).event_time is not None
            same = [f"entity.{identifier('link:' + c)} = joined_{i}.{identifier('link:' + c)}" for c in join.on]
            on = " and ".join([*same, f"entity.moment >= joined_{i}.instant"] if timed else same)
            clauses.append(f"{'asof ' if timed else ''}left join joined_{i} on {on}")
        for i, group in enumerate(windows.by_group(self.plan.table)):
            same = [f"entity.{identifier('link:' + c)} = known_{i}.{identifier('link:' + c)}" for c in group.by]
            on = " and ".join([*same, f"epoch_us(entity.moment) = known_{i}.instant"])
            clauses.append(f"left join known_{i} on {on}")
        return "\n".join(clauses)

    def _values(self) -> Iterator[tuple[str, str]]:
        table = self.plan.table
        for name in own(table):
            yield name, f"entity.{identifier('feature:' + name)}"
        for i, join in enumerate(table.joins):
            for name in join.feature_names():
                value, limit = f"joined_{i}.{identifier('feature:' + name)}", table.age_limit(join, name)
                if limit is not None:
                    age = f"epoch_us(entity.moment) - epoch_us(joined_{i}.instant)"
                    value = f"case when {age} <= {windows.microseconds(limit)} then {value} end"
                yield name, value
        group_of = {a: i for i, group in enumerate(windows.by_group(table)) for a in group.aggregations}
        for aggregation in table.aggregations:
            for over in aggregation.over:
                yield windows.value(aggregation, over, f"known_{group_of[aggregation]}")


def own(table: FeatureTable) -> list[str]:
    """The features that are made of the described row alone."""
    return [*table.columns, *(name for function in table.functions for name in function.columns)]


def compile_features(connection: "DuckDBPyConnection", plan: FeaturePlan, relations: Relations) -> Compiled:
    """Check every expression of a feature table against the columns of its relations.

    Raises:
        SpecError: an expression names what it may not, or cannot be computed.
    """
    return Compiled(plan, bind(connection, plan, relations))
