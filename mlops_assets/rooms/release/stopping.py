"""Tells the service from when an expired champion may answer no more, where `stop` is declared.

By the wall's clock that moment is known at the release, so that the service keeps to it alone; the data's clock moves
only when the pipeline takes data in, so the pipeline tells when it has struck.
"""

from datetime import UTC
from typing import TYPE_CHECKING

from mlops_assets.rooms.label.maturity import clock
from mlops_assets.rooms.release.expiry import Age, age
from mlops_assets.rooms.release.record import newest_record
from mlops_assets.spec.base import duration_text

if TYPE_CHECKING:
    from mlops_assets.spec.plan import ModelPlan
    from mlops_assets.stores.lake import Lake
    from mlops_assets.stores.lineage import Lineage
    from mlops_assets.stores.serving import ServingStore


def stop_when_expired(store: "ServingStore", lineage: "Lineage", lake: "Lake", plan: "ModelPlan") -> str:
    """Keep the served model's end in what the service watches; the moment, ISO in UTC, or empty when it has none."""
    declared = plan.model.expiry
    if declared is None or declared.action != "stop" or not store.released(plan.name):
        return ""
    record, data_clock = newest_record(lineage, plan.name), clock(lake, plan.dataset)
    found = age(declared, record, data_clock)
    if found is None or record is None:
        return ""
    by_data = declared.clock == "data" and data_clock is not None and bool(record.body.get("at"))
    ends = found.expires.astimezone(UTC).isoformat() if found.expired or not by_data else ""
    return store.stop(plan.name, ends, _why(found, by_data=by_data) if ends else "").stops


def _why(found: Age, *, by_data: bool) -> str:
    """What a caller is told, from that moment on."""
    limit, by = duration_text(found.declared.after), "data" if by_data else "wall"
    return (
        f"version {found.version} has expired, {limit} after its release: on {found.expires:%Y-%m-%d} by the {by}'s "
        "clock; it answers no more"
    )
