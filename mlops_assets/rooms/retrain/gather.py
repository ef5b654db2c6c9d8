"""Evidence, read from what the other rooms recorded."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mlops_assets import keys
from mlops_assets.rooms.label.maturity import clock as data_clock
from mlops_assets.rooms.monitor.history import latest, timeline
from mlops_assets.rooms.release.expiry import released
from mlops_assets.rooms.retrain.evidence import Champion, Evidence, Window
from mlops_assets.rooms.retrain.ledger import Ledger
from mlops_assets.rooms.train.identity import recipe
from mlops_assets.spec.plan import ModelPlan
from mlops_assets.stores import sql
from mlops_assets.stores.lake import Lake
from mlops_assets.stores.lineage import Lineage

KEPT = 48
"""Windows that the arbiter looks at, at most."""


def gather(lake: Lake, lineage: Lineage, plan: ModelPlan, contracts: Path) -> Evidence | None:
    """All that the arbiter looks at; None while there are no labels.

    Args:
        lake: the tables.
        lineage: the records.
        plan: of the model.
        contracts: the folder of the contracts that were inferred.
    """
    if not lake.exists(keys.table(plan.name, "labels")):
        return None
    now, ledger = clock(lake, plan), Ledger(lineage, plan.name)
    labels, history = _matured(lake, plan, now)
    return Evidence(
        clock=now,
        labels=labels,
        history=history,
        champion=champion(lineage, plan, now),
        requests=ledger.requests(),
        drift=_windows(lake, plan, "drift_report"),
        performance=_windows(lake, plan, "performance_report"),
        demands=ledger.demands(),
        code=recipe(plan)[:12],
        contract=contract(plan, contracts),
        paused=ledger.paused(),
    )


def clock(lake: Lake, plan: ModelPlan) -> datetime:
    """The newest event time seen; where rows have no time, the wall's."""
    return data_clock(lake, plan.dataset) or datetime.now(UTC)


def champion(lineage: Lineage, plan: ModelPlan, now: datetime) -> Champion | None:
    """The model in force, as its release recorded it; its age is carried over to the clock of the evidence."""
    release = lineage.latest("release", plan.name)
    if release is None:
        return None
    until, limit = release.body.get("trained_until"), plan.model.expiry
    by_wall = not release.body.get("at") or (limit is not None and limit.clock == "wall")
    age = (datetime.now(UTC) if by_wall else now) - released(release, limit)
    return Champion(
        number=int(release.body["version"]),
        trained_until=datetime.fromisoformat(until) if until else None,
        released=now - age,
    )


def contract(plan: ModelPlan, contracts: Path) -> str:
    """Digest of what the model's datasets are held to: their declarations, contract files and inferred contracts."""
    digest = hashlib.sha256()
    for dataset in plan.datasets:
        place = plan.places.get(dataset.name, plan.place)
        source = place.module(dataset.contract.partition(":")[0]) if dataset.contract else ""
        asked = {"key", "event_time", "period", "outcomes", "contract", "quarantine"}
        digest.update(dataset.model_dump_json(include=asked).encode())
        digest.update(_content(_file(source)) + _content(contracts / f"{dataset.name}.json"))
    return digest.hexdigest()[:12]


def _file(module: str) -> Path | None:
    found = find_spec(module) if module else None
    return Path(found.origin) if found and found.origin else None


def _content(file: Path | None) -> bytes:
    return file.read_bytes() if file and file.is_file() else b""


def _windows(lake: Lake, plan: ModelPlan, stage: str) -> tuple[Window, ...]:
    faults = {row["window"]: row.get("faulty") or "" for row in timeline(lake, plan.name, "drift_report")}
    newest = latest(timeline(lake, plan.name, stage))[-KEPT:]
    return tuple(_window(row, faults.get(row["window"], "")) for row in newest)


def _window(row: Mapping[str, Any], fault: str) -> Window:
    cutoff = row.get("label_cutoff")
    return Window(
        name=row["window"],
        end=_utc(row["window_end"]) or datetime.min.replace(tzinfo=UTC),
        alarm=bool(row["alarm"]),
        figure=float(row["figure"]),
        threshold=float(row["threshold"]),
        measure=row["figure_name"],
        judged=_utc(cutoff),
        version=row.get("model_version"),
        fault=fault,
    )


def _utc(moment: datetime | None) -> datetime | None:
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)


def _matured(lake: Lake, plan: ModelPlan, now: datetime) -> tuple[int, timedelta]:
    scan = lake.scan(keys.table(plan.name, "labels"))
    with sql.session() as connection:
        row = connection.execute(
            f"select count(*), min(event_time), max(event_time) from {scan}"
            " where status = 'labelled' and (known_at is null or known_at <= ?)",
            [now],
        ).fetchone()
    count, first, last = row or (0, None, None)
    return int(count), (last - first) if first is not None else timedelta(0)
