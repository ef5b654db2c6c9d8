"""Missing values and categories never seen, a feature at a time: distances between distributions are blind to them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mlops_assets.rooms.monitor.calibration import Floats, Weights, null

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from mlops_assets.rooms.monitor.chunks import Chunks
    from mlops_assets.rooms.monitor.reference import Reference

    Mask = NDArray[np.bool_]

MARGIN = 0.01
"""A share that grew by less than one in a hundred rows is no fault, however rare it was."""


@dataclass(frozen=True)
class Fault:
    """A feature's share of rows that tell a model nothing.

    Attributes:
        feature: its name.
        kind: `nulls` or `unseen` categories.
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
class Shares:
    """How shares of rows are judged: by the reference's days, for a window of some, at a rate each.

    Attributes:
        known: the days of the reference.
        days: of the window.
        rate: of false alarms.
        seed: of the resampling.
    """

    known: "Chunks"
    days: int
    rate: float
    seed: int

    def fault(self, feature: str, kind: str, here: "Mask", there: "Mask") -> Fault:
        """Judge the marked rows of the window by those of the reference."""
        marked = np.bincount(self.known.codes, weights=there, minlength=self.known.count)
        sizes = self.known.sizes().astype(np.float64)

        def share(weights: Weights) -> Floats:
            result: Floats = (weights @ marked) / (weights @ sizes)
            return result

        usual = null(share, self.known, self.days, seed=self.seed)
        bound = max(usual.above(self.rate), usual.center + MARGIN)
        return Fault(feature, kind, usual.center, float(here.mean()), bound)


def faults(
    window: "pa.Table", chunks: "Chunks", reference: "Reference", *, rate: float, seed: int
) -> tuple[Fault, ...]:
    """The shares of each feature; the rate is split over them (Bonferroni), and what is common at least .01 apart."""
    marked = {(feature.name, "nulls"): _nulls(window, reference.rows, feature.name) for feature in reference.features}
    for feature in reference.features:
        if feature.kind == "category":
            marked[feature.name, "unseen"] = _unseen(window, reference, feature.name)
    shares = Shares(reference.chunks, chunks.count, rate / max(1, len(marked)), seed)
    return tuple(shares.fault(name, kind, here, there) for (name, kind), (here, there) in marked.items())


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
