"""A feature table as one DuckDB statement over relations, so that it also runs over a truncated past."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlops_assets.errors import SpecError
from mlops_assets.rooms.features import windows
from mlops_assets.rooms.features.binding import EVENT_TIME, Bound, bind
from mlops_assets.spec.dataset import Dataset
from mlops_assets.spec.feature_table import Join
from mlops_assets.spec.plan import FeaturePlan
from mlops_assets.stores.lake import BATCH
from mlops_assets.stores.sql import identifier, identifiers

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection


@dataclass(frozen=True)
class Relations:
    """What a feature table is computed over; each is SQL after FROM.

    Attributes:
        entities: the rows to describe.
        events: rows of the same dataset with the outcomes that aggregations count; empty when there are none.
        joined: rows of each joined dataset, with `_batch`, in the order of the joins.
    """

    entities: str
    events: str
    joined: tuple[str, ...]


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
        groups = windows.by_group(self.plan.table.aggregations)
        parts = [("entity", self._entity(relations.entities))]
        for i, (join, relation) in enumerate(zip(self.plan.table.joins, relations.joined, strict=True)):
            parts.append((f"joined_{i}", self._joined(join, relation)))
        for i, group in enumerate(groups):
            known_at = self.plan.dataset.outcomes.known_at if self.plan.dataset.outcomes else ""
            parts.append((f"known_{i}", windows.sql(group, self.bound.counted, relations.events, known_at)))
        ctes = ",\n".join(f"{name} as materialized (\n{text}\n)" for name, text in parts)
        return f"with {ctes}\n{self._select()}"

    def _entity(self, relation: str) -> str:
        dataset, table = self.plan.dataset, self.plan.table
        links = dict.fromkeys([c for j in table.joins for c in j.on] + [c for a in table.aggregations for c in a.by])
        given = [f"{identifier(column)} as {identifier('key:' + column)}" for column in dataset.key]
        given += [f"{moment(dataset)} as moment"]
        given += [f"{identifier(column)} as {identifier('link:' + column)}" for column in links]
        given += [f"{self.bound.expressions[name]} as {identifier('feature:' + name)}" for name in table.columns]
        return f"select {', '.join(given)} from (select {identifiers(self.bound.early[table.dataset])} from {relation})"

    def _joined(self, join: Join, relation: str) -> str:
        """One row a link and moment; of several the newest batch wins, and of equal ones the greatest values."""
        dataset = self.plan.datasets[join.dataset]
        links = [f"{identifier(column)} as {identifier('link:' + column)}" for column in join.on]
        values = [f"{self.bound.expressions[name]} as {identifier('feature:' + name)}" for name in join.columns]
        asked = identifiers(["link:" + column for column in join.on])
        newest = ", ".join(f"{c} desc nulls last" for c in [BATCH, *(identifier("feature:" + n) for n in join.columns)])
        given = ", ".join([*links, f"{moment(dataset)} as instant", *values, BATCH])
        seen = identifiers([*self.bound.early[join.dataset], BATCH])
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
            timed = self.plan.datasets[join.dataset].event_time is not None
            same = [f"entity.{identifier('link:' + c)} = joined_{i}.{identifier('link:' + c)}" for c in join.on]
            on = " and ".join([*same, f"entity.moment >= joined_{i}.instant"] if timed else same)
            clauses.append(f"{'asof ' if timed else ''}left join joined_{i} on {on}")
        for i, group in enumerate(windows.by_group(self.plan.table.aggregations)):
            same = [f"entity.{identifier('link:' + c)} = known_{i}.{identifier('link:' + c)}" for c in group.by]
            on = " and ".join([*same, f"epoch_us(entity.moment) = known_{i}.instant"])
            clauses.append(f"left join known_{i} on {on}")
        return "\n".join(clauses)

    def _values(self) -> Iterator[tuple[str, str]]:
        for name in self.plan.table.columns:
            yield name, f"entity.{identifier('feature:' + name)}"
        for i, join in enumerate(self.plan.table.joins):
            for name in join.columns:
                value = f"joined_{i}.{identifier('feature:' + name)}"
                if join.ttl is not None:
                    fresh = (
                        f"epoch_us(entity.moment) - epoch_us(joined_{i}.instant) <= {windows.microseconds(join.ttl)}"
                    )
                    value = f"case when {fresh} then {value} end"
                yield name, value
        groups = windows.by_group(self.plan.table.aggregations)
        for aggregation in self.plan.table.aggregations:
            i = next(i for i, group in enumerate(groups) if group.by == aggregation.by)
            for over in aggregation.over:
                yield windows.value(aggregation, over, f"known_{i}")


def compile_features(connection: "DuckDBPyConnection", plan: FeaturePlan, relations: Relations) -> Compiled:
    """Check every expression of a feature table against the columns of its relations.

    Raises:
        SpecError: an expression names what it may not, or cannot be computed.
    """
    return Compiled(plan, bind(connection, plan, relations.entities, relations.joined))


def moment(dataset: Dataset) -> str:
    """A dataset's event time as SQL; null where it has none.

    >>> moment(Dataset(name="d", source={"files": "d.csv"}, event_time="at"))
    'cast("at" as timestamptz)'
    """
    return (
        f"cast({identifier(dataset.event_time)} as timestamptz)" if dataset.event_time else "cast(null as timestamptz)"
    )
