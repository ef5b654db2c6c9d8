"""The data's own clock, and the labels that it has brought to maturity."""

from datetime import datetime
from typing import TYPE_CHECKING

from mlops_assets import keys
from mlops_assets.spec.dataset import Dataset
from mlops_assets.stores import sql
from mlops_assets.stores.labels import LABELLED, LabelStore
from mlops_assets.stores.lake import Lake

if TYPE_CHECKING:
    import pyarrow as pa


def clock(lake: Lake, dataset: Dataset) -> datetime | None:
    """The newest event time among a dataset's clean rows; None when there are no rows, or rows have no time."""
    table = keys.table(dataset.name, "clean")
    if dataset.event_time is None or not lake.exists(table):
        return None
    newest = f"select max(cast({sql.identifier(dataset.event_time)} as timestamptz)) from {lake.scan(table)}"
    with sql.session() as connection:
        found: datetime | None = connection.execute(newest).fetchall()[0][0]
    return found


def matured(store: LabelStore, model: str, now: datetime | None) -> "pa.Table":
    """The labels known by the data's clock; without a clock every label that there is."""
    import pyarrow.compute as pc

    rows = store.read(model, known_by=now)
    return rows.filter(pc.equal(rows["status"], LABELLED))
