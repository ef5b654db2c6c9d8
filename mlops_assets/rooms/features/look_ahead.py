"""The proof that no feature looks ahead: recomputed from what was known at the time, it must come out the same."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from mlops_assets import keys
from mlops_assets.rooms.features.binding import EVENT_TIME, later
from mlops_assets.rooms.features.compile import compile_features
from mlops_assets.rooms.features.history import load
from mlops_assets.rooms.features.quality import same
from mlops_assets.rooms.features.relations import Relations, known_at, moment
from mlops_assets.spec.dataset import Dataset
from mlops_assets.spec.plan import FeaturePlan
from mlops_assets.stores import sql
from mlops_assets.stores.lake import Lake
from mlops_assets.stores.sql import identifier, identifiers

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Key = tuple[Any, ...]
Row = dict[str, Any]


@dataclass(frozen=True)
class Violation:
    """A feature that knew more than could be known, or that depends on other rows of its batch.

    Attributes:
        feature: its name.
        key: of the row.
        event_time: of the row.
        got: what the offline table holds.
        expected: what comes out of the truncated past.
    """

    feature: str
    key: tuple[object, ...]
    event_time: datetime | None
    got: Any
    expected: Any


def audit(lake: Lake, plan: FeaturePlan, batch: str, *, sample: int = 8, seed: int = 0) -> list[Violation]:
    """Recompute a sample of a batch's rows, each alone and over the past as it was known strictly at its event time.

    The past at a moment: joined rows up to it; rows of the dataset up to it, or with outcomes known before it;
    every outcome that was not known strictly before it is null. The sample depends on keys and seed only.

    Raises:
        NotFound: there is no offline table yet.
        SpecError: a feature cannot be computed.
    """
    with sql.session() as connection:
        relations = load(connection, lake, plan, batch)
        compiled = compile_features(connection, plan, relations)
        rows = _sample(connection, plan, sample, seed)
        stored = _stored(connection, lake, plan, batch)
        found: list[Violation] = []
        for row, at in rows:
            past = _truncated(plan, relations, row, at)
            for expected in compiled.compute(connection, past).to_pylist():
                found.extend(_differences(plan, stored, expected))
        return found


def _sample(connection: "DuckDBPyConnection", plan: FeaturePlan, size: int, seed: int) -> list[tuple[int, int | None]]:
    """Row number and event time, in microseconds, of the rows to prove."""
    key = identifiers(plan.dataset.key)
    connection.execute(
        f"create temp table sampled as select rowid as place, epoch_us({moment(plan.dataset)}) as instant, {key} "
        f"from entities order by hash({key}, $1), {key} limit $2",
        [seed, size],
    )
    return connection.execute("select place, instant from sampled order by place").fetchall()


def _stored(connection: "DuckDBPyConnection", lake: Lake, plan: FeaturePlan, batch: str) -> dict[Key, Row]:
    offline = lake.scan(keys.table(plan.table.name, "offline"), batches=[batch])
    key = identifiers(plan.dataset.key)
    rows = connection.execute(f"from {offline} semi join sampled using ({key})").to_arrow_table().to_pylist()
    return {tuple(row[column] for column in plan.dataset.key): row for row in rows}


def _differences(plan: FeaturePlan, stored: Mapping[Key, Row], expected: Row) -> Iterator[Violation]:
    key = tuple(expected[column] for column in plan.dataset.key)
    if key not in stored:
        yield Violation("every feature", key, expected.get(EVENT_TIME), "no row", "a row")
        return
    for name in (EVENT_TIME, *plan.table.feature_names()):
        got = stored[key].get(name)
        if not same(got, expected[name]):
            yield Violation(name, key, expected[EVENT_TIME], got, expected[name])


def _truncated(plan: FeaturePlan, relations: Relations, row: int, at: int | None) -> Relations:
    entity = f"(select * from {relations.entities} where rowid = {row})"
    if at is None:
        return Relations(entity, relations.events, relations.joined)
    now = f"make_timestamptz({at}::bigint)"
    joined = [
        f"(select * from {relation} where {moment(dataset)} <= {now})" if dataset.event_time else relation
        for relation, dataset in zip(relations.joined, (plan.joined(join) for join in plan.table.joins), strict=True)
    ]
    events = {name: _known(plan.datasets[name], relation, now) for name, relation in relations.events.items()}
    return Relations(entity, events, tuple(joined))


def _known(dataset: Dataset, events: str, now: str) -> str:
    is_known = f"{known_at(dataset)} < {now}"
    if dataset.outcomes is None:
        return f"(select * from {events} where {is_known})"
    masked = [f"case when {is_known} then {identifier(c)} end as {identifier(c)}" for c in later(dataset)]
    return f"(select * replace ({', '.join(masked)}) from {events} where {moment(dataset)} <= {now} or {is_known})"
