"""Missing values, numbers out of range and categories never seen: what is to be mended, not learnt from."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mlops_assets.rooms.monitor.calibration import weights, widening
from mlops_assets.rooms.monitor.chunks import stretches
from mlops_assets.rooms.monitor.reference import floats

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from mlops_assets.rooms.monitor.baseline import Baseline
    from mlops_assets.rooms.monitor.chunks import Chunks
    from mlops_assets.rooms.monitor.reference import Reference

    Mask = NDArray[np.bool_]

MARGIN = 0.01
"""A share that grew by less than one in a hundred rows is no fault, however rare it was."""
FEWEST = 3
"""Nor are three rows."""
TINY = 1e-9


@dataclass(frozen=True)
class Fault:
    """A feature's share of rows that tell a model nothing.

    Attributes:
        feature: its name.
        kind: `nulls`, out of `range`, or `unseen` categories.
        reference: the share in the reference.
        window: the share in the window.
        threshold: what a window without change exceeds at the stated rate over all features together.
    """

    feature: str
    kind: str
    reference: float
    window: float
    threshold: float

    @property
    def alarm(self) -> bool:
        """The share is out of bounds."""
        return self.window > self.threshold


@dataclass(frozen=True)
class Marked:
    """Rows of which something is amiss.

    Attributes:
        feature: that it is amiss with.
        kind: `nulls`, `range` or `unseen`.
        here: the window's rows.
        there: the reference's.
    """

    feature: str
    kind: str
    here: "Mask"
    there: "Mask"


def faults(
    window: "pa.Table", base: "Baseline", reference: "Reference", *, rate: float, seed: int
) -> tuple[Fault, ...]:
    """The shares of each feature; the rate is split over them (Bonferroni), and what is common at least .01 apart."""
    known = reference.chunks if base.chunks.count <= reference.chunks.count else stretches_like(base, reference)
    found = list(_marked(window, reference))
    sums = np.column_stack([np.bincount(known.codes, one.there, known.count) for one in found])
    sizes = known.sizes().astype(np.float64)
    windows, wholes = weights(known, min(base.size, known.count), seed=seed)
    strays = (windows @ sums) / (windows @ sizes)[:, None] - (wholes @ sums) / (wholes @ sizes)[:, None]
    reach = np.quantile(strays, 1 - rate / len(found), axis=0) * widening(known.count / known.block)
    least = max(MARGIN, FEWEST / max(1, window.num_rows))
    return tuple(
        Fault(one.feature, one.kind, float(one.there.mean()), float(one.here.mean()), float(one.there.mean()) + bound)
        for one, bound in zip(found, np.maximum(reach, least), strict=True)
    )


def stretches_like(base: "Baseline", reference: "Reference") -> "Chunks":
    """The whole reference, cut as finely as the part of it that was summed up."""
    return stretches(reference.chunks, max(1, reference.rows.num_rows // base.chunks.count))


def _marked(window: "pa.Table", reference: "Reference") -> "Iterator[Marked]":
    for feature in reference.features:
        name = feature.name
        yield Marked(name, "nulls", *_nulls(window, reference.rows, name))
        if feature.kind == "category":
            yield Marked(name, "unseen", *_unseen(window, reference, name))
        else:
            yield Marked(name, "range", _beyond(window, reference.rows, name), np.zeros(reference.rows.num_rows, bool))


def _beyond(window: "pa.Table", known: "pa.Table", name: str) -> "Mask":
    """Whether a number is further off than the reference's range is wide: a wrong unit, and no season."""
    there, here = floats(known, name), floats(window, name)
    there = there[np.isfinite(there)]
    if not len(there):
        return np.zeros(len(here), bool)
    low, high = float(there.min()), float(there.max())
    margin = max(high - low, TINY)
    return (here < low - margin) | (here > high + margin)


def _nulls(window: "pa.Table", known: "pa.Table", name: str) -> "tuple[Mask, Mask]":
    return _missing(window, name), _missing(known, name)


def _missing(rows: "pa.Table", name: str) -> "Mask":
    missing: Mask = rows.column(name).is_null(nan_is_null=True).to_numpy()
    return missing


def _unseen(window: "pa.Table", reference: "Reference", name: str) -> "tuple[Mask, Mask]":
    known, missing = _text(reference.rows, name), _missing(reference.rows, name)
    seen = np.unique(known[~missing])
    here = ~np.isin(_text(window, name), seen) & ~_missing(window, name)
    codes = np.searchsorted(seen, known)
    codes[missing] = len(seen)
    return here, _only_that_week(codes, reference.chunks) & ~missing


def _only_that_week(codes: "NDArray[np.int64]", chunks: "Chunks") -> "Mask":
    """Whether a row's category occurs nowhere outside the row's own week."""
    pairs = np.zeros((int(codes.max(initial=0)) + 1, chunks.count + 1), np.int64)
    np.add.at(pairs, (codes, chunks.codes + 1), 1)
    summed = np.cumsum(pairs, axis=1)
    high = np.minimum(chunks.codes + chunks.reach + 1, chunks.count)
    low = np.maximum(chunks.codes - chunks.reach, 0)
    alone: Mask = summed[codes, high] - summed[codes, low] == summed[codes, -1]
    return alone


def _text(rows: "pa.Table", name: str) -> "NDArray[Any]":
    import pyarrow as pa

    values: NDArray[Any] = rows.column(name).cast(pa.string()).fill_null("").to_numpy().astype(str)
    return values
