"""Statistics over what was known strictly before a moment: events and questions stand in one line of time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, assert_never

from mlops_assets.spec.feature_table import Aggregation, FeatureTable, Statistic, window_name
from mlops_assets.stores.sql import identifier, identifiers

_MICROSECOND: Final = timedelta(microseconds=1)
_EMPTY_IS_ZERO: Final = ("count", "sum")


@dataclass(frozen=True)
class Group:
    """Aggregations that share their events and groups, and so one sorting of the history.

    Attributes:
        dataset: whose rows are counted.
        by: the columns that name a group.
        aggregations: in the order of the table.
    """

    dataset: str
    by: tuple[str, ...]
    aggregations: tuple[Aggregation, ...]


def by_group(table: FeatureTable) -> list[Group]:
    """A table's aggregations, told apart by what is counted and by which columns."""
    distinct = dict.fromkeys((table.counted(each), each.by) for each in table.aggregations)
    return [
        Group(dataset, by, tuple(a for a in table.aggregations if (table.counted(a), a.by) == (dataset, by)))
        for dataset, by in distinct
    ]


def microseconds(duration: timedelta) -> int:
    """A duration as DuckDB's epoch counts it.

    >>> microseconds(timedelta(minutes=1))
    60000000
    """
    return duration // _MICROSECOND


def sql(group: Group, counted: Mapping[Aggregation, str], events: str, known_at: str) -> str:
    """The statistics of a group at each of its moments that the relation `entity` asks about, one row each.

    A question is placed before the events of its own moment, so that the row before it is the last one known
    strictly earlier; equal moments are placed by value, so that the same history gives the same bits.

    Args:
        group: what is counted by the same columns.
        counted: the SQL of each aggregation's value.
        events: relation with the outcomes.
        known_at: the SQL of the moment at which they became known.
    """
    links = identifiers([f"link:{column}" for column in group.by])
    longest = microseconds(max(over for aggregation in group.aggregations for over in aggregation.over))
    names = [f"value_{i}" for i in range(len(group.aggregations))]
    given = [f"{identifier(column)} as {identifier('link:' + column)}" for column in group.by]
    given += [f"epoch_us({known_at}) as instant"]
    given += [f"{counted[aggregation]} as {name}" for aggregation, name in zip(group.aggregations, names, strict=True)]
    return f"""with asked as (
    select distinct {links}, epoch_us(moment) as instant from entity where moment is not null
), line as (
    select {links}, instant, true as asks, {", ".join(f"null as {name}" for name in names)} from asked
    union all
    select {links}, instant, false, {", ".join(names)} from (select {", ".join(given)} from {events})
    semi join asked using ({links})
    where instant >= (select min(instant) from asked) - {longest} and instant < (select max(instant) from asked)
        and ({" or ".join(f"{name} is not null" for name in names)})
), placed as (
    select *, row_number() over (partition by {links} order by instant, asks desc, {", ".join(names)}) as place,
        rank() over (partition by {links} order by instant) as first
    from line
), reaching as (
    select *, {", ".join(_reaches(group, links))} from placed
)
select {links}, instant, {", ".join(_statistics(group, links))} from reaching qualify asks"""


def value(aggregation: Aggregation, over: timedelta, relation: str) -> tuple[str, str]:
    """A feature's name and its SQL over a relation made by `sql`."""
    name = window_name(aggregation, over)
    found = f"{relation}.{identifier(name)}"
    return name, f"cast(coalesce({found}, 0) as double)" if aggregation.stat in _EMPTY_IS_ZERO else found


def empty(aggregation: Aggregation) -> float | None:
    """The statistic of no rows: a count and a sum of 0, and else null.

    >>> empty(Aggregation(name="n", stat="count", of="x", by=("a",), over=(timedelta(days=1),)))
    0.0
    """
    return 0.0 if aggregation.stat in _EMPTY_IS_ZERO else None


def _reaches(group: Group, links: str) -> list[str]:
    """How many rows each window reaches back from a question; an event asks nothing.

    Rows of one moment share the place of their first: the frame's first row may be any of them.
    """
    found = []
    for over in dict.fromkeys(over for aggregation in group.aggregations for over in aggregation.over):
        frame = f"partition by {links} order by instant range between {microseconds(over)} preceding and current row"
        reached = f"place - first_value(first) over ({frame})"
        found.append(f"case when asks then {reached} else 0 end as back_{microseconds(over)}")
    return found


def _statistics(group: Group, links: str) -> list[str]:
    found = []
    for i, aggregation in enumerate(group.aggregations):
        for over in aggregation.over:
            rows = f"rows between back_{microseconds(over)} preceding and 1 preceding"
            frame = f"over (partition by {links} order by place {rows})"
            statistic = _statistic(aggregation.stat, f"value_{i}", frame)
            found.append(f"{statistic} as {identifier(window_name(aggregation, over))}")
    return found


def _statistic(stat: Statistic, value: str, frame: str) -> str:
    """A statistic's SQL over a frame; of several last values known at one moment the greatest is taken."""
    there = f"filter (where {value} is not null)"
    match stat:
        case "mean" | "rate":
            return f"avg({value}) {frame}"
        case "std":
            return f"stddev_samp({value}) {frame}"
        case "last":
            return f"(max(struct_pack(known := instant, held := {value})) {there} {frame}).held"
        case "time_since":
            return f"(instant - max(instant) {there} {frame}) / {microseconds(timedelta(seconds=1))}.0"
        case "count" | "sum" | "min" | "max":
            return f"{stat}({value}) {frame}"
        case _:
            assert_never(stat)
