"""The label store: ground truth, read as it was known at a time."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from mlops_assets import keys
from mlops_assets.errors import StoreError

if TYPE_CHECKING:
    import pyarrow as pa

    from mlops_assets.stores.lake import Lake, TableVersion

LABELLED = "labelled"
COLUMNS = ("known_at", "label", "status")


class LabelStore(Protocol):
    """Ground truth of each model."""

    def record(self, model: str, rows: "pa.Table", *, batch: str) -> "TableVersion":
        """Replace a batch of labels; rows without an outcome are kept, with the reason as `status`."""

    def read(self, model: str, *, batches: Sequence[str] | None = None, known_by: datetime | None = None) -> "pa.Table":
        """All rows; or, with `known_by`, only those whose label was known by then."""

    def exists(self, model: str) -> bool:
        """Whether the model ever had labels."""


class LakeLabels:
    """The label store as a table of the lake."""

    def __init__(self, lake: "Lake") -> None:
        """Keep the labels in this lake."""
        self.lake = lake

    def record(self, model: str, rows: "pa.Table", *, batch: str) -> "TableVersion":
        """Replace a batch of labels; rows without an outcome are kept, with the reason as `status`.

        Raises:
            StoreError: a column is missing without which labels cannot mature.
        """
        missing = [name for name in COLUMNS if name not in rows.column_names]
        if missing:
            raise StoreError.of(f"labels of '{model}' lack columns", got=missing, allowed=COLUMNS)
        return self.lake.write(keys.table(model, "labels"), rows, batch=batch)

    def read(self, model: str, *, batches: Sequence[str] | None = None, known_by: datetime | None = None) -> "pa.Table":
        """All rows; or, with `known_by`, only those whose label was known by then.

        Raises:
            StoreError: `known_by` has no time zone.
        """
        where = None if known_by is None else _matured(known_by)
        return self.lake.read(keys.table(model, "labels"), batches=batches, where=where)

    def exists(self, model: str) -> bool:
        """Whether the model ever had labels."""
        return self.lake.exists(keys.table(model, "labels"))


def _matured(known_by: datetime) -> str:
    if known_by.tzinfo is None:
        raise StoreError.of("a time without a zone says nothing", got=known_by, step="give it a tzinfo, such as UTC")
    at = known_by.astimezone(UTC).isoformat()
    return f"status = '{LABELLED}' AND known_at <= TIMESTAMPTZ '{at}'"
