"""Whether serving answers as training learned: the same requests, the batch way and the online way, field by field."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from mlops_assets import keys
from mlops_assets.rooms.features.binding import EVENT_TIME
from mlops_assets.rooms.features.compile import compile_features
from mlops_assets.rooms.features.history import Span, behind
from mlops_assets.rooms.features.lookup import Lookup
from mlops_assets.rooms.features.online import as_of
from mlops_assets.rooms.features.quality import same
from mlops_assets.spec.plan import FeaturePlan
from mlops_assets.stores import sql
from mlops_assets.stores.lake import Lake
from mlops_assets.stores.online import OnlineStore

if TYPE_CHECKING:
    import pyarrow as pa

Row = dict[str, Any]


@dataclass(frozen=True)
class Mismatch:
    """A feature that the online way answers in another way than the batch way.

    Attributes:
        feature: its name; `event_time` when the whole row is missing or old.
        key: of the request.
        offline: the value, or event time, of the batch way.
        online: that of the online way.
    """

    feature: str
    key: tuple[object, ...]
    offline: object
    online: object


def skew(lake: Lake, store: OnlineStore, plan: FeaturePlan, requests: "pa.Table") -> list[Mismatch]:
    """Replay requests both ways, as of the moment up to which the lake knows, and demand equal features.

    Args:
        lake: what the batch way reads.
        store: what the online way reads; refreshed from this lake.
        plan: the feature table.
        requests: the key of the described dataset and its columns that are known at the event time, a row a request.

    Raises:
        StoreError: the requests lack a column that features need.
    """
    now = as_of(lake, plan)
    key = plan.dataset.key
    expected = {tuple(row[name] for name in key): row for row in batch_way(lake, plan, requests, now)}
    asked = requests.to_pylist()
    found = Lookup.of(lake, store, plan).of_requests(asked, now=now)
    mismatches = []
    for request, looked in zip(asked, found, strict=True):
        named = tuple(request[name] for name in key)
        values = ((name, expected[named][name], looked.values[name]) for name in plan.table.feature_names())
        mismatches += [Mismatch(name, named, one, other) for name, one, other in values if not same(one, other)]
    return mismatches


def batch_way(lake: Lake, plan: FeaturePlan, requests: "pa.Table", now: datetime | None) -> list[Row]:
    """The features of requests as the offline table has them, all as of one moment."""
    with sql.session() as connection:
        connection.register("requests", requests)
        span = Span.at(now) if now else Span(None, None)
        relations = behind(connection, lake, plan, span, entities="requests", at=now)
        rows: list[Row] = compile_features(connection, plan, relations).compute(connection, relations).to_pylist()
        return rows


def sample(lake: Lake, plan: FeaturePlan, batch: str, *, size: int = 64) -> "pa.Table":
    """Requests for rows that are spread evenly over a batch: no more than a request could hold of them."""
    clean = keys.table(plan.table.dataset, "clean")
    rows = lake.read(clean, batches=[batch])
    hidden = plan.dataset.outcomes
    late = {*hidden.columns, hidden.known_at} if hidden else set()
    seen = [name for name in rows.column_names if name not in late]
    return _spread(rows.select(seen), size)


def row_mismatches(store: OnlineStore, plan: FeaturePlan, rows: "pa.Table", *, sample: int = 64) -> list[Mismatch]:
    """Ask the online store for keys spread evenly over a batch's offline rows, and compare field by field.

    A key that the store knows from a later moment is passed over.
    """
    table = keys.table(plan.table.name, "online")
    found = []
    for row in _spread(rows, sample).to_pylist():
        key = tuple(row[column] for column in plan.dataset.key)
        online, moment = store.get(table, key), row[EVENT_TIME]
        if online is None or _older(online.event_time, moment):
            found.append(Mismatch(EVENT_TIME, key, moment, online and online.event_time))
        elif online.event_time == moment:
            values = ((name, row[name], online.values.get(name)) for name in plan.table.feature_names())
            found += [Mismatch(name, key, one, other) for name, one, other in values if one != other]
    return found


def _older(online: datetime | None, offline: datetime | None) -> bool:
    return offline is not None and (online is None or online < offline)


def told(mismatches: Sequence[Mismatch]) -> list[str]:
    """A line each."""
    return [f"{m.feature} of {m.key}: offline {m.offline}, online {m.online}" for m in mismatches]


def _spread(rows: "pa.Table", most: int) -> "pa.Table":
    """Rows evenly spread over all; of none, none."""
    step = math.ceil(rows.num_rows / most)
    return rows.take(list(range(0, rows.num_rows, step))) if step else rows
