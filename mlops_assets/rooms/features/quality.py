"""What is looked at before features are used: NaN and infinity, nulls, and whether serving would answer the same."""

import math
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from mlops_assets import keys
from mlops_assets.rooms.features.binding import EVENT_TIME
from mlops_assets.spec.plan import FeaturePlan
from mlops_assets.stores.online import OnlineStore

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Mismatch:
    """A feature that the online store answers in another way than the offline table.

    Attributes:
        feature: its name; `event_time` when the whole row is missing or old.
        key: of the row.
        offline: the value, or event time, of the offline table.
        online: that of the online store.
    """

    feature: str
    key: tuple[object, ...]
    offline: object
    online: object


def not_finite(rows: "pa.Table", features: list[str]) -> dict[str, int]:
    """Feature to its count of NaN and infinite values, where there are any; null is no such value."""
    import pyarrow as pa
    import pyarrow.compute as pc

    numbers = [name for name in features if pa.types.is_floating(rows.schema.field(name).type)]
    counts = {name: pc.sum(pc.invert(pc.is_finite(rows[name]))).as_py() or 0 for name in numbers}
    return {name: count for name, count in counts.items() if count}


def null_shares(rows: "pa.Table", features: list[str]) -> dict[str, float]:
    """Feature to its share of nulls; 0 where there are no rows."""
    return {name: rows[name].null_count / max(rows.num_rows, 1) for name in features}


def disparities(store: OnlineStore, plan: FeaturePlan, rows: "pa.Table", *, sample: int = 64) -> list[Mismatch]:
    """Ask the online store for keys spread evenly over a batch, and compare field by field.

    A key that the store knows from a later moment is passed over.
    """
    step = max(1, math.ceil(rows.num_rows / sample))
    table = keys.table(plan.table.name, "online")
    found = []
    for row in rows.take(list(range(0, rows.num_rows, step))).to_pylist():
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
