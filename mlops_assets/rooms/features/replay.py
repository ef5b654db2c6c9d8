"""What a service was asked, replayed: by its log the two ways of a feature table are held against each other."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlops_assets import keys
from mlops_assets.rooms.features.binding import early
from mlops_assets.rooms.features.online import refresh
from mlops_assets.rooms.features.parity import Mismatch, skew
from mlops_assets.rooms.features.quality import same
from mlops_assets.spec.plan import FeaturePlan
from mlops_assets.stores import sql
from mlops_assets.stores.lake import Lake
from mlops_assets.stores.online import OnlineStore

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Replay:
    """What a replay found.

    Attributes:
        requests: that were replayed: they name a row that the lake has by now.
        unknown: that name none, and so cannot be.
        mismatches: fields that training has in another way.
    """

    requests: int
    unknown: int
    mismatches: tuple[Mismatch, ...]


def replay(
    lake: Lake, store: OnlineStore, plan: FeaturePlan, logged: "pa.Table", *, hidden: Collection[str] = ()
) -> Replay:
    """Replay logged requests the batch way and the online way, and hold what was answered by against training's rows.

    The store is first brought up to what the lake knows, so that a difference is none of time.

    Args:
        lake: what the batch way reads.
        store: what the online way reads.
        plan: the feature table.
        logged: the key of the described dataset, and `inputs`: the features answered by, as JSON; a row a request.
        hidden: features that the log does not keep as they were.
    """
    asked = _asked(lake, plan, logged)
    refresh(lake, store, plan)
    found = skew(lake, store, plan, asked) if asked.num_rows else []
    if plan.table.online.rows:
        found += _answered_otherwise(lake, plan, logged, hidden)
    named = logged.select(list(plan.dataset.key)).group_by(list(plan.dataset.key)).aggregate([]).num_rows
    return Replay(asked.num_rows, named - asked.num_rows, tuple(found))


def _asked(lake: Lake, plan: FeaturePlan, logged: "pa.Table") -> "pa.Table":
    """The rows that the requests name, each once, with what a request could hold of them."""
    key = sql.identifiers(plan.dataset.key)
    clean = lake.scan(keys.table(plan.table.dataset, "clean"))
    with sql.session() as connection:
        connection.register("logged", logged)
        rows = connection.execute(
            f"select * from {clean} semi join (select distinct {key} from logged) using ({key})"
        ).to_arrow_table()
    return rows.select(early(plan.dataset, rows.column_names))


def _answered_otherwise(lake: Lake, plan: FeaturePlan, logged: "pa.Table", hidden: Collection[str]) -> "list[Mismatch]":
    """Fields of the log that are not what the offline table has for the same key: answered by what nobody trains on."""
    key = list(plan.dataset.key)
    offline = lake.scan(keys.table(plan.table.name, "offline"))
    with sql.session() as connection:
        connection.register("logged", logged)
        rows = connection.execute(
            f"select o.*, l.inputs as logged_inputs from {offline} o join logged l using ({sql.identifiers(key)})"
        ).to_arrow_table()
    found = []
    for row in rows.to_pylist():
        given: dict[str, Any] = json.loads(row["logged_inputs"])
        named = tuple(row[each] for each in key)
        kept = [name for name in plan.table.feature_names() if name in given and name not in hidden]
        found += [
            Mismatch(name, named, row[name], given[name])
            for name in kept
            if not same(fed(row[name], given[name]), given[name])
        ]
    return found


def fed(value: Any, given: Any) -> Any:
    """A value as a model is fed it: numbers as floats, all else as text."""
    if value is None:
        return None
    return str(value) if isinstance(given, str) else float(value) if given is not None else value
