"""What a batch's features can depend on, and no more: the rows of the batch and the stretch of history behind it."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from mlops_assets import keys
from mlops_assets.rooms.features.binding import require_places
from mlops_assets.rooms.features.compile import Relations, moment
from mlops_assets.spec.feature_table import Join
from mlops_assets.spec.plan import FeaturePlan
from mlops_assets.stores.expression import columns
from mlops_assets.stores.lake import Lake
from mlops_assets.stores.sql import identifier

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Span = tuple[datetime | None, datetime | None]


def load(connection: "DuckDBPyConnection", lake: Lake, plan: FeaturePlan, batch: str) -> Relations:
    """Bring a batch and its history into temporary tables.

    A month costs a month: outcomes are read from the longest window before the first row to the last row, and
    joined rows up to the last row, from their ttl before the first.

    Raises:
        NotFound: a dataset has no clean table yet.
        SpecError: the dataset lacks its key or event time.
    """
    clean = lake.scan(keys.table(plan.table.dataset, "clean"))
    connection.execute(f"create temp table entities as select * from {clean} where _batch = $1", [batch])
    require_places(plan, columns(connection, "entities"))
    span = _span(connection, plan)
    joined = tuple(_load_joined(connection, lake, plan, i, span) for i in range(len(plan.table.joins)))
    return Relations("entities", _load_events(connection, clean, plan, span), joined)


def _span(connection: "DuckDBPyConnection", plan: FeaturePlan) -> Span:
    at = moment(plan.dataset)
    first, last = connection.execute(f"select min({at}), max({at}) from entities").fetchall()[0]
    return first, last


def _load_events(connection: "DuckDBPyConnection", clean: str, plan: FeaturePlan, span: Span) -> str:
    outcomes = plan.dataset.outcomes
    if outcomes is None or not plan.table.aggregations:
        return ""
    known_at = f"cast({identifier(outcomes.known_at)} as timestamptz)"
    longest = max(over for aggregation in plan.table.aggregations for over in aggregation.over)
    connection.execute(
        f"create temp table events as select * from {clean} where {known_at} >= $1 and {known_at} < $2",
        [_before(span[0], longest), span[1]],
    )
    return "events"


def _load_joined(connection: "DuckDBPyConnection", lake: Lake, plan: FeaturePlan, i: int, span: Span) -> str:
    join: Join = plan.table.joins[i]
    dataset = plan.datasets[join.dataset]
    source, name = lake.scan(keys.table(join.dataset, "clean")), f"joined_rows_{i}"
    if dataset.event_time is None:
        connection.execute(f"create temp table {name} as select * from {source}")
        return name
    at = moment(dataset)
    connection.execute(
        f"create temp table {name} as select * from {source} where {at} <= $1 and ($2 is null or {at} >= $2)",
        [span[1], _before(span[0], join.ttl) if join.ttl is not None else None],
    )
    return name


def _before(first: datetime | None, back: timedelta) -> datetime | None:
    return None if first is None else first - back
