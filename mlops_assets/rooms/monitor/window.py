"""The rows of a window that the monitor looks at: its answers, with their features or with their labels."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from mlops_assets.errors import NotFound, StoreError
from mlops_assets.rooms.label.tasks import PROBABILITY
from mlops_assets.rooms.serve.score import features
from mlops_assets.spec.plan import ModelPlan
from mlops_assets.stores.labels import LABELLED, LabelStore
from mlops_assets.stores.lake import Lake
from mlops_assets.stores.predictions import PredictionLog

if TYPE_CHECKING:
    import pyarrow as pa

BATCH = "answered_in"
"""The column with the batch in which a row was answered: there are its features and its label."""
KEPT = ("event_time", "score", BATCH)


def answers(log: PredictionLog, plan: ModelPlan, batch: str) -> "pa.Table":
    """The answers of a batch, oldest first.

    Raises:
        NotFound: it was never answered.
        StoreError: more than one version answered it, so that no one reference fits.
    """
    rows = of_batch(log, plan, batch)
    if not rows.num_rows:
        raise NotFound.of(f"'{plan.name}' never answered batch '{batch}'", step="materialize predictions for it")
    versions = rows["model_version"].unique().to_pylist()
    if len(versions) != 1:
        raise StoreError.of(
            f"the answers of '{plan.name}' to batch '{batch}' are not of one version",
            got=f"versions {sorted(versions)}",
            step="materialize predictions for this batch again",
        )
    return in_order(rows)


def of_batch(log: PredictionLog, plan: ModelPlan, batch: str) -> "pa.Table":
    """The answers of a batch, each with its batch."""
    import pyarrow as pa

    rows = log.read(plan.name, batches=[batch])
    return rows.append_column(BATCH, pa.repeat(pa.scalar(batch), rows.num_rows))


def in_order(rows: "pa.Table") -> "pa.Table":
    """Oldest first."""
    return rows.sort_by([(name, "ascending") for name in ("event_time", "prediction_id")]).combine_chunks()


def with_features(lake: Lake, plan: ModelPlan, given: "pa.Table", *, kept: tuple[str, ...] = ()) -> "pa.Table":
    """The answers, each with the features that it was asked with, and with some more of their own columns."""
    key = list(plan.dataset.key)
    asked = given.select(["prediction_id", *key, *_kept(given), *kept])
    found = ((part, features(lake, plan, batch).drop_columns(["event_time"])) for batch, part in _parts(asked))
    return _joined(found, key)


def with_labels(labels: LabelStore, plan: ModelPlan, given: "pa.Table", cutoff: datetime | None) -> "pa.Table":
    """The answers whose label is known by the cut-off, with it; all that are labelled when there is no clock."""
    asked = given.select(["prediction_id", *plan.dataset.key, *_kept(given)])
    found = ((part, _known(labels, plan, batch, cutoff)) for batch, part in _parts(asked))
    return _joined(found, plan.dataset.key)


def labels_of(labels: LabelStore, plan: ModelPlan, given: "pa.Table") -> "pa.Table":
    """Key, `known_at`, `label` and `status` of the answers' rows, of each from the batch in which it was answered."""
    import pyarrow as pa

    key = list(plan.dataset.key)
    found = []
    for batch, part in _parts(given):
        known = labels.read(plan.name, batches=[batch]).select([*key, "known_at", "label", "status"])
        found.append(known.join(part.select(key), keys=key, join_type="left semi"))
    return pa.concat_tables(found, promote_options="default")


def span(rows: "pa.Table") -> dict[str, Any]:
    """Oldest and newest event time; None without event times."""
    import pyarrow.compute as pc

    found = pc.min_max(rows["event_time"]).as_py()
    return {"window_start": found["min"], "window_end": found["max"]}


def _kept(given: "pa.Table") -> list[str]:
    return [*KEPT, *(name for name in given.column_names if name.startswith(PROBABILITY))]


def _known(labels: LabelStore, plan: ModelPlan, batch: str, cutoff: datetime | None) -> "pa.Table":
    import pyarrow.compute as pc

    known = labels.read(plan.name, batches=[batch], known_by=cutoff)
    known = known.filter(pc.and_(pc.equal(known["status"], LABELLED), pc.is_valid(known["label"])))
    return known.select([*plan.dataset.key, "label"])


def _parts(given: "pa.Table") -> "Iterator[tuple[str, pa.Table]]":
    import pyarrow.compute as pc

    for batch in given[BATCH].unique().to_pylist():
        yield batch, given.filter(pc.equal(given[BATCH], batch))


def _joined(pairs: "Iterable[tuple[pa.Table, pa.Table]]", key: Sequence[str]) -> "pa.Table":
    import pyarrow as pa

    found = [given.join(known, keys=list(key), join_type="inner") for given, known in pairs]
    return in_order(pa.concat_tables(found, promote_options="default"))
