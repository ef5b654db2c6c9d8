"""What a model's windows are compared with: the rows it was trained on, scored by models that had not seen them."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np

from mlops_assets.errors import NotFound
from mlops_assets.rooms.label.tasks import of_manifest
from mlops_assets.rooms.monitor.chunks import MIN_ROWS, Chunks, cut, pool
from mlops_assets.rooms.monitor.rows import Rows, pieces
from mlops_assets.rooms.train.fit import MANIFEST, REFERENCE, manifest_of
from mlops_assets.rooms.train.inputs import Feature, from_manifest
from mlops_assets.rooms.train.metric import Metric
from mlops_assets.rooms.train.metrics import METRICS
from mlops_assets.stores.bundle import digest

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from mlops_assets.rooms.label.task import Task
    from mlops_assets.stores.registry import Bundle


@dataclass(frozen=True)
class Reference:
    """Out-of-fold scores, as scores of rows trained on are more extreme than any that will ever be served.

    Attributes:
        manifest: of the model.
        rows: `event_time`, the features, `label` and `score`, oldest first.
        chunks: the days of the rows.
        digest: of manifest and rows; empty: what is summed up of them is not kept.
    """

    manifest: Mapping[str, Any]
    rows: "pa.Table"
    chunks: Chunks
    digest: str = ""

    @property
    def scores(self) -> "NDArray[np.float64]":
        """Out-of-fold, a number a row."""
        return floats(self.rows, "score")

    @property
    def task(self) -> "Task":
        """What the model is asked."""
        return of_manifest(self.manifest)

    @property
    def watched(self) -> Metric:
        """The metric that is watched: the model's objective, unless it is the user's own."""
        objective = self.manifest.get("objective")
        return METRICS[objective if objective in METRICS else self.task.watched]

    @property
    def features(self) -> tuple[Feature, ...]:
        """The model's input, the most important first where the manifest knows it."""
        weight = self.manifest.get("importance") or {}
        return tuple(sorted(from_manifest(self.manifest), key=lambda feature: -weight.get(feature.name, 0.0)))


def reference(bundle: "Bundle") -> Reference:
    """The reference that a model brings along.

    Raises:
        NotFound: the bundle holds none.
    """
    import pyarrow.parquet as pq

    if REFERENCE not in bundle.files:
        raise NotFound.of(
            f"version {bundle.version.number} of '{bundle.version.model}' has no reference to compare windows with",
            got=", ".join(sorted(bundle.files)),
            allowed=REFERENCE,
            step="train and release a new version",
        )
    rows = pq.read_table(BytesIO(bundle.files[REFERENCE]))
    content = digest({name: bundle.files[name] for name in (MANIFEST, REFERENCE)})
    return Reference(manifest_of(bundle.files), rows, chunks_of(rows), content)


def chunks_of(rows: Rows) -> Chunks:
    """The days of a table with an `event_time`; random chunks when it is null."""
    times = rows.column("event_time")
    if not rows.num_rows or times.null_count:
        return cut(None, rows.num_rows)
    return cut(times.to_numpy().astype("datetime64[us]"), rows.num_rows)


@dataclass(frozen=True)
class Days:
    """How a window's rows fall on days; which row falls on which is not kept.

    Attributes:
        sizes: rows of each; too small ones are pooled.
        rows: in all.
        in_time: whether they are days; without an event time they are chunks drawn at random.
    """

    sizes: "NDArray[np.int64]"
    rows: int
    in_time: bool

    @property
    def count(self) -> int:
        """How many there are; 0 when there are too few rows for one."""
        return len(self.sizes) if self.rows >= MIN_ROWS else 0


def days_of(rows: Rows) -> Days:
    """The same as the sizes of `chunks_of`, looking at some rows at a time."""
    import pyarrow.compute as pc

    counts: Counter[Any] = Counter()
    for piece in pieces(rows.select(["event_time"])):
        times = piece.column("event_time")
        if times.null_count:
            return Days(cut(None, rows.num_rows).sizes(), rows.num_rows, in_time=False)
        found = pc.value_counts(times.cast("timestamp[us]").cast("date32", safe=False))
        counts.update({each["values"]: each["counts"] for each in found.to_pylist()})
    sizes = np.array([counts[day] for day in sorted(counts)], np.int64)
    pooled = np.bincount(pool(sizes), sizes).astype(np.int64) if len(sizes) else sizes
    return Days(pooled, rows.num_rows, in_time=bool(rows.num_rows))


def floats(rows: Rows, column: str) -> "NDArray[np.float64]":
    """A column as float64; null is NaN."""
    values: NDArray[np.float64] = rows.column(column).to_numpy().astype(np.float64)
    return values
