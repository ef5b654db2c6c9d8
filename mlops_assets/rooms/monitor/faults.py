"""Missing values, numbers out of range and categories never seen: what is to be mended, not learnt from."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mlops_assets.rooms.monitor.chunks import stretches
from mlops_assets.rooms.monitor.reference import floats
from mlops_assets.rooms.monitor.resampling import draw
from mlops_assets.rooms.monitor.rows import Rows, pieces

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mlops_assets.rooms.monitor.chunks import Chunks
    from mlops_assets.rooms.monitor.reference import Reference
    from mlops_assets.rooms.train.inputs import Feature

    Mask = NDArray[np.bool_]
    Floats = NDArray[np.float64]

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
class Usual:
    """What a feature of the reference holds.

    Attributes:
        feature: of the model.
        seen: the least and the greatest number, none where there is no number; the categories, sorted.
    """

    feature: "Feature"
    seen: "NDArray[Any]"


@dataclass(frozen=True)
class Bounds:
    """What the faults of windows are held against: of the reference, and summed up once.

    Attributes:
        usual: a feature each.
        chunks: of the reference.
        marked: a chunk by feature's nulls and feature's second kind: how many of its rows are amiss.
    """

    usual: tuple[Usual, ...]
    chunks: "Chunks"
    marked: "Floats"


def faults(window: Rows, known: Bounds, *, days: int, rate: float, seed: int) -> tuple[Fault, ...]:
    """The shares of each feature; the rate is split over them (Bonferroni), and what is common at least .01 apart.

    Each bound is Student's of a single mean over the reference's blocks.

    Args:
        window: rows with the features.
        known: what they are held against.
        days: chunks of the window.
        rate: the share of windows without change in which any of them may ring.
        seed: of the resampling.
    """
    from scipy.special import stdtrit

    found = _amiss_in(window, known.usual)
    sizes = known.chunks.sizes().astype(np.float64)
    drawn = draw(known.chunks, days, seed=seed)
    strays = drawn.normal @ (known.marked - sizes[:, None] * known.marked.sum(axis=0) / sizes.sum())
    reach = stdtrit(drawn.blocks - 1, 1 - rate / len(found)) * np.sqrt((strays**2).mean(axis=0))
    least = max(MARGIN, FEWEST / max(1, window.num_rows))
    usually = known.marked.sum(axis=0) / sizes.sum()
    return tuple(
        Fault(name, kind, float(share), count / max(1, window.num_rows), float(share) + bound)
        for ((name, kind), count), share, bound in zip(found.items(), usually, np.maximum(reach, least), strict=True)
    )


def bounds(reference: "Reference", chunks: "Chunks") -> Bounds:
    """Sum up what a reference's features hold.

    Args:
        reference: of a model.
        chunks: into which its rows, or a part of them, were cut for the detectors.
    """
    known = reference.chunks if chunks.count <= reference.chunks.count else stretches_like(chunks, reference)
    usual, marked = [], []
    for feature in reference.features:
        missing = _missing(reference.rows, feature.name)
        if feature.kind == "category":
            seen, odd = _seen(reference, feature.name, missing)
        else:
            seen, odd = _range(reference.rows, feature.name), np.zeros(len(missing), bool)
        usual.append(Usual(feature, seen))
        marked += [np.bincount(known.codes, one, known.count) for one in (missing, odd)]
    return Bounds(tuple(usual), known, np.column_stack(marked))


def stretches_like(chunks: "Chunks", reference: "Reference") -> "Chunks":
    """The whole reference, cut as finely as the part of it that was summed up."""
    return stretches(reference.chunks, max(1, reference.rows.num_rows // chunks.count))


def _amiss_in(window: Rows, usually: Sequence[Usual]) -> Counter[tuple[str, str]]:
    """Feature and kind to how many rows are amiss, some rows at a time."""
    counts: Counter[tuple[str, str]] = Counter()
    for piece in pieces(window):
        for usual in usually:
            for kind, odd in _amiss(piece, usual):
                counts[usual.feature.name, kind] += int(odd.sum())
    return counts


def _amiss(window: Rows, usual: Usual) -> "Iterator[tuple[str, Mask]]":
    """Each kind, with the rows of which a feature is amiss."""
    name, missing = usual.feature.name, _missing(window, usual.feature.name)
    yield "nulls", missing
    if usual.feature.kind == "category":
        yield "unseen", ~np.isin(_text(window, name), usual.seen) & ~missing
    else:
        yield "range", _beyond(window, usual)


def _beyond(window: Rows, usual: Usual) -> "Mask":
    """Whether a number is further off than the reference's range is wide: a wrong unit, and no season."""
    here = floats(window, usual.feature.name)
    if not len(usual.seen):
        return np.zeros(len(here), bool)
    low, high = usual.seen
    margin = max(high - low, TINY)
    beyond: Mask = (here < low - margin) | (here > high + margin)
    return beyond


def _range(known: Rows, name: str) -> "Floats":
    there = floats(known, name)
    there = there[np.isfinite(there)]
    return np.array([there.min(), there.max()]) if len(there) else there


def _missing(rows: Rows, name: str) -> "Mask":
    missing: Mask = np.asarray(rows.column(name).is_null(nan_is_null=True), dtype=bool)
    return missing


def _seen(reference: "Reference", name: str, missing: "Mask") -> "tuple[NDArray[Any], Mask]":
    """The categories, and which rows are the only ones of theirs, but for their own week."""
    known = _text(reference.rows, name)
    seen = np.unique(known[~missing])
    codes = np.searchsorted(seen, known)
    codes[missing] = len(seen)
    return seen, _only_that_week(codes, reference.chunks) & ~missing


def _only_that_week(codes: "NDArray[np.int64]", chunks: "Chunks") -> "Mask":
    """Whether a row's category occurs nowhere outside the row's own week."""
    pairs = np.zeros((int(codes.max(initial=0)) + 1, chunks.count + 1), np.int64)
    np.add.at(pairs, (codes, chunks.codes + 1), 1)
    summed = np.cumsum(pairs, axis=1)
    high = np.minimum(chunks.codes + chunks.reach + 1, chunks.count)
    low = np.maximum(chunks.codes - chunks.reach, 0)
    alone: Mask = summed[codes, high] - summed[codes, low] == summed[codes, -1]
    return alone


def _text(rows: Rows, name: str) -> "NDArray[Any]":
    import pyarrow as pa

    values: NDArray[Any] = rows.column(name).cast(pa.string()).fill_null("").to_numpy().astype(str)
    return values
