"""What became of the predictions: of what was told of one, a correction counts before an outcome, then the newest."""

from typing import TYPE_CHECKING

from mlops_assets import keys
from mlops_assets.stores import sql

if TYPE_CHECKING:
    import pyarrow as pa

    from mlops_assets.stores.lake import Lake


def outcomes(lake: "Lake", model: str) -> "pa.Table | None":
    """A row a prediction that has an outcome: `prediction_id`, `label` as JSON, `known_at`; None without any.

    The same told twice counts once; a null label takes an earlier one back.
    """
    table = keys.table(model, "feedback")
    if not lake.exists(table):
        return None
    query = f"""
    SELECT prediction_id, label, known_at FROM (
        SELECT *, row_number() OVER (
            PARTITION BY prediction_id ORDER BY kind = 'correction' DESC, told_at DESC
        ) AS place FROM {lake.scan(table)}
    ) WHERE place = 1 AND label IS NOT NULL ORDER BY prediction_id
    """
    with sql.session() as connection:
        return connection.execute(query).to_arrow_table()


def numbers(labels: "pa.ChunkedArray") -> "pa.ChunkedArray":
    """Labels as numbers: yes is 1, no is 0, text is null."""
    import json

    import pyarrow as pa

    values = [json.loads(text) for text in labels.to_pylist()]
    return pa.chunked_array([pa.array([None if isinstance(v, str) else float(v) for v in values], pa.float64())])


def labelled(lake: "Lake", model: str) -> "pa.Table":
    """The service's answers to callers whose outcome is known, each with it as `outcome`."""
    import pyarrow.compute as pc

    table = keys.table(model, "predictions")
    told = outcomes(lake, model)
    rows = lake.read(table, batches=["online"]) if lake.exists(table) else None
    if told is None or rows is None:
        import pyarrow as pa

        return pa.table({"prediction_id": pa.array([], pa.string())})
    told = told.append_column("outcome", numbers(told["label"])).select(["prediction_id", "outcome", "known_at"])
    rows = rows.filter(pc.not_equal(rows["role"], "shadow"))
    return rows.join(told, keys="prediction_id", join_type="inner").combine_chunks()
