"""Training-serving skew: what the service answered by, against what training has of the same rows."""

import json
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from mlops_assets import keys
from mlops_assets.rooms.features.quality import same
from mlops_assets.rooms.features.replay import fed
from mlops_assets.rooms.monitor.faults import FEWEST, MARGIN, Fault
from mlops_assets.rooms.monitor.stored import Stored
from mlops_assets.spec.feature_table import FeatureTable, window_name
from mlops_assets.spec.plan import ModelPlan
from mlops_assets.stores import sql
from mlops_assets.stores.lake import Lake
from mlops_assets.stores.predictions import ONLINE

if TYPE_CHECKING:
    import pyarrow as pa

ASKED: Final = 2_000
"""Newest requests of a window that are looked at."""
KIND: Final = "skew"
DAY: Final = timedelta(days=1)
"""A statistic over less runs empty by night: asked some hours before, it is there or not for no fault."""


def skewed(lake: Lake, plan: ModelPlan, rows: "Stored | pa.Table") -> tuple[Fault, ...]:
    """A feature's share of the window's online requests that were answered by another value than training has.

    It is a fault and needs no calibration: the value of one row at one time is either the same or it is not. Only a
    table whose rows are not kept online may answer by an older value; of its features it counts whether there is one.
    What the log may not keep of a feature is passed over, and so is what comes and goes within hours.

    Args:
        lake: with what the service was asked.
        plan: the model.
        rows: of the window, with key and offline features.
    """
    asked = _asked(lake, plan, rows)
    exact = {name for part in plan.tables if part.table.online.rows for name in part.table.feature_names()}
    fleeting = {name for part in plan.tables for name in _fleeting(part.table)} - exact
    named = [name for name in plan.features if plan.model.serve.rule(name) == "keep" and name not in fleeting]
    compared, differing = Counter[str](), Counter[str]()
    for row in asked.to_pylist() if asked is not None else ():
        given: dict[str, Any] = json.loads(row["logged_inputs"])
        known = [name for name in named if name in given]
        compared.update(known)
        differing.update(name for name in known if _differ(row[name], given[name], exact=name in exact))
    return tuple(
        Fault(name, KIND, 0.0, differing[name] / compared[name], max(MARGIN, FEWEST / compared[name]))
        for name in named
        if compared[name]
    )


def _fleeting(table: FeatureTable) -> list[str]:
    return [window_name(each, over) for each in table.aggregations for over in each.over if over < DAY]


def _differ(offline: Any, logged: Any, *, exact: bool) -> bool:
    if not exact:
        return (offline is None) != (logged is None)
    return not same(fed(offline, logged), logged)


def _asked(lake: Lake, plan: ModelPlan, rows: "Stored | pa.Table") -> "pa.Table | None":
    """The offline features of the rows that were asked about, each beside what it was answered by."""
    table = keys.table(plan.name, "predictions")
    if not lake.exists(table) or ONLINE not in lake.batches(table):
        return None
    import pyarrow.dataset as ds

    key, wanted = sql.identifiers(plan.dataset.key), sql.identifiers([*plan.dataset.key, *plan.features])
    log = lake.scan(table, batches=[ONLINE])
    with sql.connect() as connection:
        connection.register("offline", ds.dataset(rows.path) if isinstance(rows, Stored) else rows)
        return connection.execute(
            f"select o.*, l.inputs as logged_inputs from (select {wanted} from offline) o join {log} l using ({key}) "
            f"where l.inputs is not null order by l.event_time desc, l.prediction_id limit {ASKED}"
        ).to_arrow_table()
