"""What a batch's features can depend on, and no more: the rows of the batch and the stretch of history behind it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Self

from mlops_assets import keys
from mlops_assets.rooms.features.binding import require_places
from mlops_assets.rooms.features.relations import Relations, known_at, known_column, moment
from mlops_assets.spec.feature_table import Join
from mlops_assets.spec.plan import FeaturePlan
from mlops_assets.stores.expression import columns
from mlops_assets.stores.lake import Lake, Reach

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@dataclass(frozen=True)
class Span:
    """The stretch of time that questions come from.

    Attributes:
        first: the moment of the earliest question; None when no question has one.
        last: that of the latest.
    """

    first: datetime | None
    last: datetime | None

    @classmethod
    def at(cls, moment: datetime) -> Self:
        """A single moment."""
        return cls(moment, moment)

    def before(self, back: timedelta) -> datetime | None:
        """That long before the first question."""
        return None if self.first is None else self.first - back


def load(connection: "DuckDBPyConnection", lake: Lake, plan: FeaturePlan, batch: str) -> Relations:
    """Bring a batch and its history into temporary tables.

    A month costs a month: outcomes are read from the longest window before the first row to the last row, and
    joined rows up to the last row, from their ttl before the first; files without such rows are not opened.

    Raises:
        NotFound: a dataset has no clean table yet.
        SpecError: the dataset lacks its key or event time.
    """
    clean = lake.scan(keys.table(plan.table.dataset, "clean"), batches=[batch])
    connection.execute(f"create temp table entities as select * from {clean}")
    require_places(plan, columns(connection, "entities"))
    at = moment(plan.dataset)
    span = Span(*connection.execute(f"select min({at}), max({at}) from entities").fetchall()[0])
    return behind(connection, lake, plan, span, entities="entities")


def behind(
    connection: "DuckDBPyConnection",
    lake: Lake,
    plan: FeaturePlan,
    span: Span,
    *,
    entities: str,
    at: datetime | None = None,
) -> Relations:
    """The history that questions from a stretch of time can depend on, in temporary tables."""
    joined = tuple(_load_joined(connection, lake, plan, i, span) for i in range(len(plan.table.joins)))
    counted = dict.fromkeys(plan.table.counted(each) for each in plan.table.aggregations)
    return Relations(entities, {name: _load_events(connection, lake, plan, name, span) for name in counted}, joined, at)


def longest(plan: FeaturePlan, dataset: str) -> timedelta:
    """The longest window over a counted dataset."""
    table = plan.table
    return max(over for each in table.aggregations if table.counted(each) == dataset for over in each.over)


def _load_events(connection: "DuckDBPyConnection", lake: Lake, plan: FeaturePlan, name: str, span: Span) -> str:
    dataset, begin = plan.datasets[name], span.before(longest(plan, name))
    known, column = known_at(dataset), known_column(dataset)
    reach = Reach(column, begin, span.last) if column else None
    rows = lake.scan(keys.table(name, "clean"), reach=reach)
    connection.execute(
        f"create temp table events_{name} as select * from {rows} where {known} >= $1 and {known} < $2",
        [begin, span.last],
    )
    return f"events_{name}"


def _load_joined(connection: "DuckDBPyConnection", lake: Lake, plan: FeaturePlan, i: int, span: Span) -> str:
    join: Join = plan.table.joins[i]
    dataset, stored, name = plan.joined(join), "/".join(join.source), f"joined_rows_{i}"
    if dataset.event_time is None:
        connection.execute(f"create temp table {name} as select * from {lake.scan(stored)}")
        return name
    limits = [plan.table.age_limit(join, each) for each in join.feature_names()]
    oldest = span.before(max(limit for limit in limits if limit)) if all(limits) else None
    at = moment(dataset)
    rows = lake.scan(stored, reach=Reach(dataset.event_time, oldest, span.last))
    connection.execute(
        f"create temp table {name} as select * from {rows} where {at} <= $1 and ($2 is null or {at} >= $2)",
        [span.last, oldest],
    )
    return name
