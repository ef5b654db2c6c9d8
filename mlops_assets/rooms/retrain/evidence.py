"""What speaks for and against training again, read from what the other rooms recorded."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from mlops_assets import keys
from mlops_assets.rooms.label.maturity import clock as data_clock
from mlops_assets.rooms.monitor.history import newest
from mlops_assets.rooms.retrain.arbiter import Champion, Evidence, Request, Window
from mlops_assets.spec.plan import ModelPlan
from mlops_assets.stores import sql
from mlops_assets.stores.lake import Lake
from mlops_assets.stores.lineage import Lineage, Record


def gather(lake: Lake, lineage: Lineage, plan: ModelPlan) -> Evidence | None:
    """All that the arbiter looks at; None while there is no data."""
    now = data_clock(lake, plan.dataset)
    if now is None or not lake.exists(keys.table(plan.name, "labels")):
        return None
    labels, history = _matured(lake, plan, now)
    request = lineage.latest("retrain_request", plan.name)
    return Evidence(
        clock=now,
        labels=labels,
        history=history,
        champion=champion(lineage.latest("release", plan.name)),
        last=_request(request),
        drift=_window(newest(lake, plan.name, "drift_report")),
        performance=_window(newest(lake, plan.name, "performance_report")),
        demands=tuple(d.body["reason"] for d in unanswered(lineage, plan.name, request)),
    )


def unanswered(lineage: Lineage, model: str, request: Record | None) -> list[Record]:
    """Demands made since the last request."""
    since = request.sequence if request else 0
    return [d for d in lineage.records(kind="demand", subject=model) if d.sequence > since]


def champion(release: Record | None) -> Champion | None:
    """The model in force, as its release recorded it."""
    if release is None:
        return None
    until = release.body.get("trained_until")
    return Champion(int(release.body["version"]), datetime.fromisoformat(until) if until else None)


def _request(record: Record | None) -> Request | None:
    if record is None:
        return None
    return Request(datetime.fromisoformat(record.body["clock"]), int(record.body["labels"]))


def _window(row: Mapping[str, Any] | None) -> Window | None:
    if row is None:
        return None
    end: datetime = row["window_end"]
    return Window(
        name=row["window"],
        end=end if end.tzinfo else end.replace(tzinfo=UTC),
        alarm=bool(row["alarm"]),
        figure=float(row["figure"]),
        threshold=float(row["threshold"]),
    )


def _matured(lake: Lake, plan: ModelPlan, now: datetime) -> tuple[int, timedelta]:
    scan = lake.scan(keys.table(plan.name, "labels"))
    with sql.connect() as connection:
        row = connection.execute(
            f"select count(*), min(event_time), max(event_time) from {scan}"
            " where status = 'labelled' and (known_at is null or known_at <= ?)",
            [now],
        ).fetchone()
    count, first, last = row or (0, None, None)
    return int(count), (last - first) if first is not None else timedelta(0)
