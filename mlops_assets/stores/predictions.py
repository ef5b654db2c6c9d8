"""The prediction log: what was asked and answered, a batch at a time; no question is in two batches.

What was answered online stands beside them: a caller may give any id, and takes no batch its answer by that.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Protocol

from mlops_assets import keys
from mlops_assets.errors import StoreError
from mlops_assets.stores import sql

if TYPE_CHECKING:
    import pyarrow as pa

    from mlops_assets.stores.lake import Lake, TableVersion

ID = "prediction_id"
ONLINE: Final = "online"
"""The batch under which the service's own rows stand in the table of predictions."""


class PredictionLog(Protocol):
    """What each model was asked and answered."""

    def record(self, model: str, rows: "pa.Table", *, batch: str) -> "TableVersion":
        """Replace a batch of answers; what another batch has answered already is left out."""

    def read(self, model: str, *, batches: Sequence[str] | None = None) -> "pa.Table":
        """The answers, of all batches or of some."""

    def exists(self, model: str) -> bool:
        """Whether the model ever answered."""


class LakePredictions:
    """The prediction log as a table of the lake."""

    def __init__(self, lake: "Lake") -> None:
        """Keep the log in this lake."""
        self.lake = lake

    def record(self, model: str, rows: "pa.Table", *, batch: str) -> "TableVersion":
        """Replace a batch of answers; what another batch has answered already is left out.

        Raises:
            StoreError: a row has no `prediction_id`, or two rows share one.
        """
        _check_ids(rows, model)
        table = keys.table(model, "predictions")
        return self.lake.write(table, self._unanswered(table, rows, batch), batch=batch)

    def read(self, model: str, *, batches: Sequence[str] | None = None) -> "pa.Table":
        """The answers, of all batches or of some."""
        return self.lake.read(keys.table(model, "predictions"), batches=batches)

    def exists(self, model: str) -> bool:
        """Whether the model ever answered."""
        return self.lake.exists(keys.table(model, "predictions"))

    def _unanswered(self, table: str, rows: "pa.Table", batch: str) -> "pa.Table":
        import pyarrow.compute as pc

        if not self.lake.exists(table):
            return rows
        others = [name for name in self.lake.batches(table) if name not in (batch, ONLINE)]
        if not others:
            return rows
        answered = self.lake.read(table, batches=others, columns=[ID]).column(ID)
        return rows.filter(pc.invert(pc.is_in(rows.column(ID), value_set=answered)))


def _check_ids(rows: "pa.Table", model: str) -> None:
    if ID not in rows.column_names:
        raise StoreError.of(f"predictions of '{model}' need a column '{ID}'", got=rows.column_names)
    column = sql.identifier(ID)
    with sql.session() as connection:
        connection.register("answers", rows.select([ID]))
        query = f"SELECT count(*) - count(DISTINCT {column}), any_value({column}) FROM answers"
        surplus = connection.execute(query).fetchall()[0][0]
    if surplus:
        raise StoreError.of(f"predictions of '{model}' need a '{ID}' each", got=f"{surplus} doubled or missing")
