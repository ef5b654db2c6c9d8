"""Scores of a batch: from features alone, by the model that is in force, or by the one that answered it before."""

from datetime import datetime
from typing import TYPE_CHECKING

from mlops_assets import keys
from mlops_assets.errors import StoreError
from mlops_assets.rooms.label.tasks import of_manifest
from mlops_assets.rooms.train.fit import manifest_of
from mlops_assets.rooms.train.inputs import frame, from_manifest
from mlops_assets.rooms.train.threads import one_thread
from mlops_assets.spec.plan import ModelPlan
from mlops_assets.stores import sql
from mlops_assets.stores.lake import Lake
from mlops_assets.stores.predictions import PredictionLog
from mlops_assets.stores.registry import Bundle, ModelVersion, Registry

if TYPE_CHECKING:
    import pyarrow as pa

    from mlops_assets.rooms.label.task import Task


def answering(registry: Registry, log: PredictionLog, model: str, batch: str) -> ModelVersion | None:
    """The version to score a batch: the one that answered it before, or else the champion; None while there is none.

    So a batch that is made again, after a kill or with corrected rows, is never answered by a model that came later.
    """
    import pyarrow.compute as pc

    if log.exists(model):
        before = pc.max(log.read(model, batches=[batch])["model_version"]).as_py()
        if before is not None:
            return registry.get(model, int(before))
    return registry.champion(model)


def features(lake: Lake, plan: ModelPlan, batch: str) -> "pa.Table":
    """Key, event time and every feature of a batch's rows; labels are never read.

    Raises:
        StoreError: the feature tables hold different rows of the batch.
    """
    tables = [
        lake.read(keys.table(table.table.name, "offline"), batches=[batch], columns=_columns(plan, number))
        for number, table in enumerate(plan.tables)
    ]
    rows = tables[0]
    for table in tables[1:]:
        rows = rows.join(table, keys=list(plan.dataset.key), join_type="full outer")
    if any(table.num_rows != rows.num_rows for table in tables):
        raise StoreError.of(
            f"the feature tables of '{plan.name}' hold different rows of batch '{batch}'",
            got=", ".join(f"{table.num_rows} rows" for table in tables),
            step="materialize the feature tables for this batch again",
        )
    return rows.select([*plan.dataset.key, "event_time", *plan.features]).combine_chunks()


def untrained(lake: Lake, plan: ModelPlan, bundle: Bundle, rows: "pa.Table") -> "pa.Table":
    """The rows that the model cannot have been trained on: a score of the others would flatter it.

    With event times, those after the newest that it was trained on; without, those that its training could not read.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    manifest = manifest_of(bundle.files)
    if plan.dataset.event_time is not None:
        until = datetime.fromisoformat(manifest["trained_until"])
        return rows.filter(pc.greater(rows["event_time"], pa.scalar(until, rows["event_time"].type)))
    clean = keys.table(plan.dataset.name, "clean")
    number, _ = manifest["inputs"][clean]
    key = list(plan.dataset.key)
    return rows.join(lake.read(clean, version=number, columns=key), keys=key, join_type="left anti")


def score(bundle: Bundle, rows: "pa.Table", plan: ModelPlan) -> "pa.Table":
    """The prediction log's rows: an answer for each row of features, in the order of time and key."""
    import numpy as np
    import pyarrow as pa

    manifest = manifest_of(bundle.files)
    key = list(plan.dataset.key)
    rows = rows.sort_by([(name, "ascending") for name in ("event_time", *key)])
    task = of_manifest(manifest)
    scores = task.constant(np.array(manifest["baseline"])[None, :] if task.classes else np.zeros(1), 0)
    if rows.num_rows:
        asked = frame(rows, from_manifest(manifest))
        with one_thread():
            scores = task.scores(bundle.pipeline, asked)
    answers = pa.table({"prediction_id": prediction_ids(rows.select(key), plan.name)})
    for name in (*key, "event_time"):
        answers = answers.append_column(name, rows[name])
    for name, values in task.columns(scores).items():
        answers = answers.append_column(name, pa.array(values, pa.float64()))
    answers = answers.append_column("answer", task.answers(scores, float(manifest["threshold"])))
    version = pa.array(np.full(rows.num_rows, bundle.version.number), pa.int64())
    answers = answers.append_column("model_version", version)
    return answers.append_column("baseline", pa.array(np.full(rows.num_rows, float(manifest["base_rate"]))))


def prediction_ids(key: "pa.Table", model: str) -> "pa.ChunkedArray":
    """A name for each question: 32 hex digits that follow from the model's name and the row's key alone."""
    names = sql.identifiers(key.column_names)
    with sql.session() as connection:
        connection.register("asked", key)
        hashed = f"SELECT left(sha256(json_array($model, {names})::varchar), 32) AS id FROM asked"
        return connection.execute(hashed, {"model": model}).to_arrow_table()["id"]


def faults(answers: "pa.Table", asked: int, task: "Task") -> list[str]:
    """What is wrong with a batch of answers; none when each row has one score, and it is one of the task's."""
    wild = task.wild(task.read(answers))
    found = [] if answers.num_rows == asked else [f"{answers.num_rows} answers to {asked} rows"]
    return [*found, *([f"{wild} scores are no {task.name} scores"] if wild else [])]


def _columns(plan: ModelPlan, number: int) -> list[str]:
    time = ["event_time"] if number == 0 else []
    return [*plan.dataset.key, *time, *plan.tables[number].table.feature_names()]
