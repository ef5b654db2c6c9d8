"""Every expression of a feature table meets the columns that it may name, and gets one type for all batches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlops_assets.errors import SpecError
from mlops_assets.spec.dataset import Dataset
from mlops_assets.spec.feature_table import Aggregation, Join
from mlops_assets.spec.plan import FeaturePlan
from mlops_assets.stores.expression import column_type, columns, is_number, known
from mlops_assets.stores.lake import BATCH

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

EVENT_TIME = "event_time"
"""The name of the event time in every feature table."""


@dataclass(frozen=True)
class Bound:
    """A feature table's expressions after the check.

    Attributes:
        expressions: feature to SQL of type DOUBLE (numbers and truths) or VARCHAR (all else), for columns and joins.
        counted: aggregation to SQL of the number that it adds up; null where a row does not count.
        early: dataset to its columns that are known at the event time.
    """

    expressions: Mapping[str, str]
    counted: Mapping[Aggregation, str]
    early: Mapping[str, Sequence[str]]


def bind(connection: "DuckDBPyConnection", plan: FeaturePlan, entities: str, joined: Sequence[str]) -> Bound:
    """Check all of a feature table's expressions over the relations of its rows and of its joined rows.

    Raises:
        SpecError: an expression names an outcome or no column at all, or cannot be computed.
    """
    table = plan.table
    given = columns(connection, entities)
    early = {table.dataset: _early(plan.dataset, given)}
    expressions = {
        name: _typed(connection, plan.dataset, sql, entities, f"feature '{name}' of '{table.name}'")
        for name, sql in table.columns.items()
    }
    for join, relation in zip(table.joins, joined, strict=True):
        early[join.dataset] = _early(plan.datasets[join.dataset], columns(connection, relation))
        expressions |= _join(connection, plan, join, relation, early)
    return Bound(expressions, _counted(connection, plan, entities), early)


def _counted(connection: "DuckDBPyConnection", plan: FeaturePlan, entities: str) -> dict[Aggregation, str]:
    given = [column for column in columns(connection, entities) if column != BATCH]
    found = {}
    for aggregation in plan.table.aggregations:
        what = f"aggregation '{aggregation.name}' of '{plan.table.name}'"
        _require_outcomes(plan, what)
        for column in aggregation.by:
            known(what, column, _early(plan.dataset, given))
        kind = column_type(connection, aggregation.of, relation=entities, allowed=given, later=(), what=what)
        if aggregation.stat == "count":
            found[aggregation] = f"case when ({aggregation.of}\n) is not null then 1.0::double end"
        elif is_number(kind):
            found[aggregation] = f"cast(({aggregation.of}\n) as double)"
        else:
            raise SpecError.of(
                f"{what}: no {aggregation.stat} of text", got=f"{aggregation.of}: {kind}", allowed="a number"
            )
    return found


def later(dataset: Dataset) -> tuple[str, ...]:
    """The columns that are not known at the event time."""
    return tuple(dict.fromkeys((*dataset.outcomes.columns, dataset.outcomes.known_at))) if dataset.outcomes else ()


def _early(dataset: Dataset, given: Sequence[str]) -> list[str]:
    """The columns that are known at the event time."""
    return [column for column in given if column not in later(dataset) and column != BATCH]


def _join(
    connection: "DuckDBPyConnection", plan: FeaturePlan, join: Join, relation: str, early: Mapping[str, Sequence[str]]
) -> dict[str, str]:
    dataset = plan.datasets[join.dataset]
    where = f"join of '{join.dataset}' in '{plan.table.name}'"
    _require_time(plan, join, where)
    for column in join.on:
        known(where, column, early[plan.table.dataset])
        known(where, column, early[join.dataset])
    return {
        name: _typed(connection, dataset, sql, relation, f"feature '{name}', {where}")
        for name, sql in join.columns.items()
    }


def _typed(connection: "DuckDBPyConnection", dataset: Dataset, sql: str, relation: str, what: str) -> str:
    allowed = _early(dataset, columns(connection, relation))
    kind = column_type(connection, sql, relation=relation, allowed=allowed, later=later(dataset), what=what)
    return f"cast(({sql}\n) as {'double' if is_number(kind) else 'varchar'})"


def require_places(plan: FeaturePlan, given: Sequence[str]) -> None:
    """Demand that the described dataset has its declared columns, and that no feature takes the name of another column.

    Raises:
        SpecError: it is not so.
    """
    dataset, table = plan.dataset, plan.table
    for column in (*dataset.key, *([dataset.event_time] if dataset.event_time else []), *later(dataset)):
        known(f"dataset '{table.dataset}'", column, given)
    late = [column for column in (*dataset.key, dataset.event_time) if column in later(dataset)]
    if late:
        raise SpecError.of(
            f"dataset '{table.dataset}': key and event_time are no outcomes", got=", ".join(map(str, late))
        )
    taken = sorted({*dataset.key, EVENT_TIME} & set(table.feature_names()))
    if EVENT_TIME in dataset.key and dataset.event_time != EVENT_TIME:
        taken.append(EVENT_TIME)
    if taken:
        raise SpecError.of(
            f"feature table '{table.name}': a column twice", got=", ".join(taken), step="give the feature another name"
        )


def _require_outcomes(plan: FeaturePlan, what: str) -> None:
    if plan.dataset.outcomes is None or plan.dataset.event_time is None:
        raise SpecError.of(
            f"{what}: dataset '{plan.table.dataset}' does not say when its outcomes are known",
            allowed="aggregations over a dataset with event_time and outcomes",
            step=f"give dataset '{plan.table.dataset}' event_time and outcomes: {{known_at: ..., columns: [...]}}",
        )


def _require_time(plan: FeaturePlan, join: Join, where: str) -> None:
    theirs = plan.datasets[join.dataset].event_time
    if theirs and plan.dataset.event_time is None:
        raise SpecError.of(
            f"{where}: rows of '{plan.table.dataset}' have no moment as of which to join",
            step=f"give dataset '{plan.table.dataset}' event_time",
        )
    if join.ttl is not None and theirs is None:
        raise SpecError.of(f"{where}: a ttl needs the age of a row", step=f"give dataset '{join.dataset}' event_time")
