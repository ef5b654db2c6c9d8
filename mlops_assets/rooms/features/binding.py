"""Every expression of a feature table meets the columns that it may name, and gets one type for all batches."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlops_assets import keys
from mlops_assets.errors import SpecError
from mlops_assets.rooms.features import functions
from mlops_assets.rooms.features.relations import Relations
from mlops_assets.spec.dataset import Dataset
from mlops_assets.spec.feature_table import Aggregation, Function, Join
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
        counted: aggregation to SQL of the number, or text, that it adds up; null where a row does not count.
        early: key of a clean table, or of a joined offline one, to its columns that are known at the event time.
    """

    expressions: Mapping[str, str]
    counted: Mapping[Aggregation, str]
    early: Mapping[keys.Key, Sequence[str]]


def bind(connection: "DuckDBPyConnection", plan: FeaturePlan, relations: Relations) -> Bound:
    """Check all of a feature table's expressions over the relations of its rows, its joined and its counted rows.

    Raises:
        SpecError: an expression names an outcome or no column at all, or cannot be computed.
    """
    table = plan.table
    described = early(plan.dataset, columns(connection, relations.entities))
    seen = {keys.key(table.dataset, "clean"): described}
    what = f"'{table.name}'"
    given = (table.columns, table.functions)
    written = _written(connection, plan, *given, relation=relations.entities, seen=described, what=what)
    expressions = {
        name: _typed(connection, plan.dataset, sql, relations.entities, f"feature '{name}' of {what}")
        for name, sql in written.items()
    }
    for join, relation in zip(table.joins, relations.joined, strict=True):
        seen[join.source] = early(plan.joined(join), columns(connection, relation))
        expressions |= _join(connection, plan, join, relation=relation, described=described, seen=seen[join.source])
    return Bound(expressions, _counted(connection, plan, relations, described), seen)


def _written(
    connection: "DuckDBPyConnection",
    plan: FeaturePlan,
    given: Mapping[str, str],
    declared: Iterable[Function],
    *,
    relation: str,
    seen: Sequence[str],
    what: str,
) -> dict[str, str]:
    """Feature to SQL: what is declared as such, then what functions return."""
    found = dict(given)
    for function in declared:
        found |= functions.expressions(connection, function, plan.place, relation=relation, early=seen, what=what)
    return found


def _counted(
    connection: "DuckDBPyConnection", plan: FeaturePlan, relations: Relations, described: Sequence[str]
) -> dict[Aggregation, str]:
    found = {}
    for aggregation in plan.table.aggregations:
        what = f"aggregation '{aggregation.name}' of '{plan.table.name}'"
        source = plan.table.counted(aggregation)
        dataset, relation = plan.datasets[source], relations.events[source]
        if dataset.event_time is None or plan.dataset.event_time is None:
            step = f"give dataset '{source if dataset.event_time is None else plan.table.dataset}' event_time"
            raise SpecError.of(f"{what}: rows of '{source}' are not known at a moment", step=step)
        given = [column for column in columns(connection, relation) if column != BATCH]
        for column in aggregation.by:
            known(what, column, described)
            known(what, column, early(dataset, given))
        kind = column_type(connection, aggregation.of, relation=relation, allowed=given, later=(), what=what)
        found[aggregation] = _value(aggregation, kind, what)
    return found


def _value(aggregation: Aggregation, kind: str, what: str) -> str:
    """The SQL of what one row adds to the statistic."""
    of = f"({aggregation.of}\n)"
    if aggregation.stat in ("count", "time_since"):
        return f"case when {of} is not null then 1.0::double end"
    if aggregation.stat == "last" and not is_number(kind):
        return f"cast({of} as varchar)"
    if aggregation.stat == "rate" and kind != "BOOLEAN":
        got = f"{aggregation.of}: {kind}"
        raise SpecError.of(f"{what}: a rate is of what holds or not", got=got, allowed="a condition")
    if not is_number(kind):
        got = f"{aggregation.of}: {kind}"
        raise SpecError.of(f"{what}: no {aggregation.stat} of text", got=got, allowed="a number")
    return f"cast({of} as double)"


def later(dataset: Dataset) -> tuple[str, ...]:
    """The columns that are not known at the event time."""
    return tuple(dict.fromkeys((*dataset.outcomes.columns, dataset.outcomes.known_at))) if dataset.outcomes else ()


def early(dataset: Dataset, given: Sequence[str]) -> list[str]:
    """The columns that are known at the event time."""
    return [column for column in given if column not in later(dataset) and column != BATCH]


def _join(
    connection: "DuckDBPyConnection",
    plan: FeaturePlan,
    join: Join,
    *,
    relation: str,
    described: Sequence[str],
    seen: Sequence[str],
) -> dict[str, str]:
    dataset = plan.joined(join)
    where = f"join of '{dataset.name}' in '{plan.table.name}'"
    _require_time(plan, join, where)
    for column in join.on:
        known(where, column, described)
        known(where, column, seen)
    given = (join.columns, join.functions)
    written = _written(connection, plan, *given, relation=relation, seen=seen, what=where)
    return {
        name: _typed(connection, dataset, sql, relation, f"feature '{name}', {where}") for name, sql in written.items()
    }


def _typed(connection: "DuckDBPyConnection", dataset: Dataset, sql: str, relation: str, what: str) -> str:
    allowed = early(dataset, columns(connection, relation))
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


def _require_time(plan: FeaturePlan, join: Join, where: str) -> None:
    theirs = plan.joined(join)
    if theirs.event_time and plan.dataset.event_time is None:
        raise SpecError.of(
            f"{where}: rows of '{plan.table.dataset}' have no moment as of which to join",
            step=f"give dataset '{plan.table.dataset}' event_time",
        )
    if theirs.event_time is None and any(plan.table.age_limit(join, name) for name in join.feature_names()):
        raise SpecError.of(f"{where}: a ttl needs the age of a row", step=f"give dataset '{theirs.name}' event_time")
