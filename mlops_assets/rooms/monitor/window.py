"""The rows of a window that the monitor looks at: its answers, with their features or with their labels."""

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

KEPT = ("event_time", "score")


def answers(log: PredictionLog, plan: ModelPlan, batch: str) -> "pa.Table":
    """The answers of a batch, oldest first.

    Raises:
        NotFound: it was never answered.
        StoreError: more than one version answered it, so that no one reference fits.
    """
    rows = log.read(plan.name, batches=[batch])
    if not rows.num_rows:
        raise NotFound.of(f"'{plan.name}' never answered batch '{batch}'", step="materialize predictions for it")
    versions = rows["model_version"].unique().to_pylist()
    if len(versions) != 1:
        raise StoreError.of(
            f"the answers of '{plan.name}' to batch '{batch}' are not of one version",
            got=f"versions {sorted(versions)}",
            step="materialize predictions for this batch again",
        )
    return rows.sort_by([(name, "ascending") for name in ("event_time", "prediction_id")])


def with_features(
    lake: Lake, plan: ModelPlan, batch: str, given: "pa.Table", *, kept: tuple[str, ...] = ()
) -> "pa.Table":
    """The answers, each with the features that it was asked with, and with some more of their own columns."""
    key = list(plan.dataset.key)
    known = features(lake, plan, batch).drop_columns(["event_time"])
    return _joined(given.select(["prediction_id", *key, *_kept(given), *kept]), known, key)


def with_labels(
    labels: LabelStore, plan: ModelPlan, batch: str, given: "pa.Table", cutoff: datetime | None
) -> "pa.Table":
    """The answers whose label is known by the cut-off, with it; all that are labelled when there is no clock."""
    import pyarrow.compute as pc

    key = list(plan.dataset.key)
    known = labels.read(plan.name, batches=[batch], known_by=cutoff)
    known = known.filter(pc.and_(pc.equal(known["status"], LABELLED), pc.is_valid(known["label"])))
    return _joined(given.select(["prediction_id", *key, *_kept(given)]), known.select([*key, "label"]), key)


def span(rows: "pa.Table") -> dict[str, Any]:
    """Oldest and newest event time; None without event times."""
    import pyarrow.compute as pc

    found = pc.min_max(rows["event_time"]).as_py()
    return {"window_start": found["min"], "window_end": found["max"]}


def _kept(given: "pa.Table") -> list[str]:
    return [*KEPT, *(name for name in given.column_names if name.startswith(PROBABILITY))]


def _joined(given: "pa.Table", known: "pa.Table", key: list[str]) -> "pa.Table":
    joined = given.join(known, keys=key, join_type="inner")
    return joined.sort_by([(name, "ascending") for name in ("event_time", "prediction_id")]).combine_chunks()
