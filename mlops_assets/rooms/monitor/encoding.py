"""Columns as a few codes each, learned once from the reference: what is judged then are counts, which merge."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from mlops_assets.rooms.monitor.rows import Rows
from mlops_assets.rooms.train.inputs import Feature

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Codes = NDArray[np.int32]
    Floats = NDArray[np.float64]

SCORE: Final = Feature("score", "number")
NULL: Final = 0
OTHER: Final = 1
"""Of a category: rare or never seen; of a number: the lowest bin."""
BINS: Final = 10
SCORE_BINS: Final = 20
MOST_CATEGORIES: Final = 30
CLIP: Final = 4.0


@dataclass(frozen=True)
class Column:
    """How the values of one column become codes.

    Attributes:
        feature: its name and kind.
        edges: of a number's bins, ascending; the known categories, sorted.
        first: the column's first code among all columns' codes.
        values: a standardized number a code: a number's normal score, a category's mean score.
    """

    feature: Feature
    edges: "NDArray[Any]"
    first: int
    values: "Floats"

    @property
    def size(self) -> int:
        """How many codes it has."""
        return len(self.edges) + 2

    def codes(self, rows: Rows) -> "Codes":
        """Of each row; 0 is missing."""
        return _codes(_raw(rows, self.feature), self.feature, self.edges)


@dataclass(frozen=True)
class Encoding:
    """All columns of a model's input, its score last.

    Attributes:
        columns: in the order of the features.
        weights: a feature's share of what the features tell of the score; they sum to 1.
    """

    columns: tuple[Column, ...]
    weights: "Floats"

    @property
    def size(self) -> int:
        """How many codes there are in all."""
        return self.columns[-1].first + self.columns[-1].size

    @property
    def starts(self) -> "NDArray[np.int64]":
        """Each column's first code."""
        return np.array([column.first for column in self.columns])

    def codes(self, rows: Rows) -> "Codes":
        """A row a prediction, a column a column: places among all codes."""
        found = np.empty((rows.num_rows, len(self.columns)), np.int32)
        for place, column in enumerate(self.columns):
            found[:, place] = column.codes(rows) + np.int32(column.first)
        return found

    def values(self, codes: "Codes") -> "Floats":
        """The standardized numbers behind the codes."""
        table: Floats = np.concatenate([column.values for column in self.columns])
        return table[codes]


def learn(rows: Rows, features: Sequence[Feature]) -> Encoding:
    """Learn bins, categories and weights from a reference with features and `score`.

    A feature's weight is the share of the score's variance that its codes explain (Pearson's correlation ratio).
    """
    score = np.nan_to_num(_raw(rows, SCORE))
    columns, told, first = [], [], 0
    for feature in (*features, SCORE):
        raw = _raw(rows, feature)
        edges = _edges(raw, feature)
        codes = _codes(raw, feature, edges)
        columns.append(Column(feature, edges, first, _values(codes, feature, len(edges) + 2, score)))
        told.append(_told(codes, score))
        first += columns[-1].size
    weights = np.array(told[:-1]) + 1e-3
    return Encoding(tuple(columns), weights / weights.sum())


def _raw(rows: Rows, feature: Feature) -> "NDArray[Any]":
    import pyarrow as pa

    column = rows.column(feature.name)
    if feature.kind == "number":
        numbers: NDArray[np.float64] = column.cast(pa.float64(), safe=False).to_numpy()
        return numbers
    texts: NDArray[Any] = column.cast(pa.string()).to_numpy(zero_copy_only=False)
    return texts


def _edges(raw: "NDArray[Any]", feature: Feature) -> "NDArray[Any]":
    if feature.kind == "number":
        known = raw[~np.isnan(raw)]
        bins = SCORE_BINS if feature is SCORE else BINS
        return np.unique(np.quantile(known, np.linspace(0, 1, bins + 1)[1:-1])) if len(known) else known
    import pandas as pd

    common: NDArray[Any] = pd.Series(raw).value_counts().index[:MOST_CATEGORIES].to_numpy(dtype=object)
    return np.sort(common)


def _codes(raw: "NDArray[Any]", feature: Feature, edges: "NDArray[Any]") -> "Codes":
    if feature.kind == "number":
        return np.where(np.isnan(raw), NULL, OTHER + np.searchsorted(edges, raw, "right")).astype(np.int32)
    import pandas as pd

    texts = pd.Series(raw)
    places = pd.Index(edges).get_indexer(texts)
    return np.where(texts.isna(), NULL, np.where(places < 0, OTHER, places + 2)).astype(np.int32)


def _values(codes: "Codes", feature: Feature, size: int, score: "Floats") -> "Floats":
    from scipy.special import ndtri

    counts = np.bincount(codes, minlength=size).astype(np.float64)
    if feature.kind == "category":
        values = np.bincount(codes, score, size) / np.maximum(counts, 1)
        values[counts == 0] = score.mean()
    else:
        middle = (np.cumsum(counts) - counts / 2) / len(codes)
        values = ndtri(np.clip(middle, 1e-3, 1 - 1e-3))
        values[NULL] = 0.0
    center = float(values @ counts / len(codes))
    spread = float(np.sqrt((values - center) ** 2 @ counts / len(codes)))
    scaled: Floats = np.clip((values - center) / max(spread, 1e-9), -CLIP, CLIP)
    return scaled


def _told(codes: "Codes", score: "Floats") -> float:
    counts = np.bincount(codes).astype(np.float64)
    means = np.bincount(codes, score) / np.maximum(counts, 1)
    return float(counts @ (means - score.mean()) ** 2 / len(score) / max(score.var(), 1e-12))
