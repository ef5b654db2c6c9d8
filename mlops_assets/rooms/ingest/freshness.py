"""Freshness by the data's own clock: how long nothing had happened before a batch, by the rows' event time."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from mlops_assets import keys
from mlops_assets.stores import sql
from mlops_assets.stores.lake import BATCH

if TYPE_CHECKING:
    from mlops_assets.spec.dataset import Dataset
    from mlops_assets.stores.lake import Lake


def judged(lake: "Lake", dataset: "Dataset", batch: str, allowed: timedelta) -> tuple[bool, str]:
    """Whether a batch followed soon enough on the clean rows before it, and what is to be said of it.

    Args:
        lake: where the raw batch is, and the clean rows of others.
        dataset: for its event time.
        batch: its name.
        allowed: the longest that the newest row may lie back.
    """
    clean = keys.table(dataset.name, "clean")
    now = _newest(lake, keys.raw_table(dataset.name, batch), dataset.event_time)
    before = _newest(lake, clean, dataset.event_time, f"{BATCH} <> {sql.literal(batch)}")
    if now is None or before is None:
        lacking = "the batch has no row with an event time" if now is None else "there was no batch before it"
        return True, f"not judged: {lacking}"
    gap = now - before
    if gap <= timedelta(0):
        return True, f"the newest row, of {now.isoformat()}, is older than one that is there: nothing was waited for"
    said = f"the newest row, of {now.isoformat()}, came {_told(gap)} after the one before; allowed: {_told(allowed)}"
    return gap <= allowed, said


def _newest(lake: "Lake", table: str, column: str | None, where: str = "true") -> datetime | None:
    """The newest moment of a column; None where the table or the column lacks, or no value is a moment."""
    if column is None or not lake.exists(table):
        return None
    with sql.session() as connection:
        relation = lake.scan(table)
        names = {name.lower() for name, *_ in connection.execute(f"describe select * from {relation}").fetchall()}
        if column.lower() not in names:
            return None
        moment = f"try_cast(cast({sql.identifier(column)} as varchar) as timestamptz)"
        found: datetime | None = connection.execute(
            f"select max({moment}) from {relation} where {where} and isfinite({moment})"
        ).fetchall()[0][0]
    return found


def _told(gap: timedelta) -> str:
    return f"{gap.days}d" if gap >= timedelta(days=2) else f"{gap / timedelta(hours=1):.3g}h"
