"""The usual triggers, as one figure a window each, so that all can be put at the same false-alarm rate."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from benchmarks.streams import Floats, Stream

EVIDENTLY = 0.1
"""The threshold of its default distances from a thousand reference rows on."""
FEW = 5
"""Numbers of at most so many values are categories to Evidently."""
DECILES = np.linspace(0, 1, 11)[1:-1]
LEAST = 1e-4


@dataclass(frozen=True)
class Known:
    """One column of a reference.

    Attributes:
        values: sorted, without the missing ones.
        category: whether it is one.
        edges: of ten bins; the values themselves of a category.
        shares: of the bins, the missing ones last.
    """

    values: "Floats"
    category: bool
    edges: "Floats"
    shares: "Floats"

    def binned(self, given: "Floats") -> "Floats":
        """Shares of the bins, the missing ones last."""
        missing, last = np.isnan(given), len(self.edges) + 1
        codes = np.where(missing, last, np.searchsorted(self.edges, np.nan_to_num(given), "right"))
        shares: Floats = np.bincount(codes, minlength=last + 1) / len(given)
        return shares


class Rivals:
    """Distances to one reference."""

    def __init__(self, stream: "Stream", x: "Floats") -> None:
        """Sort what the distances need of the reference.

        Args:
            stream: that says which columns are categories.
            x: its columns, the score last; categories as whole numbers.
        """
        self.known = [_known(x[:, place], place in stream.categories) for place in range(x.shape[1])]

    def figures(self, x: "Floats") -> dict[str, float]:
        """The highest PSI; the smallest KS p-value, turned round; Evidently's count of columns, then its highest."""
        apart = self.evidently(x)
        columns = list(zip(self.known, x.T, strict=True))
        return {
            "psi": max(_psi(known.binned(given), known.shares) for known, given in columns),
            "ks": max(_kolmogorov(known.values, given) for known, given in columns if not known.category),
            "evidently": float((apart >= EVIDENTLY).sum() + min(apart.max(), 9) / 10),
        }

    def evidently(self, x: "Floats") -> "Floats":
        """A column each: what Evidently's defaults measure from a thousand reference rows on."""
        return np.array([_evidently(known, given) for known, given in zip(self.known, x.T, strict=True)])


def _known(given: "Floats", category: bool) -> Known:
    values = np.sort(given[~np.isnan(given)])
    edges = np.unique(values if category else np.quantile(values, DECILES))
    found = Known(values, category, edges, np.zeros(0))
    return Known(values, category, edges, found.binned(given))


def _evidently(known: Known, given: "Floats") -> float:
    """Wasserstein normed by the reference's deviation, or Jensen-Shannon; without missing values."""
    from scipy.stats import wasserstein_distance

    here = given[~np.isnan(given)]
    if not len(here):
        return 0.0
    if known.category or len(np.unique(np.concatenate([known.values, here]))) <= FEW:
        return _jensen_shannon(known.values, here)
    return float(wasserstein_distance(known.values, here) / max(float(known.values.std()), 1e-3))


def _jensen_shannon(there: "Floats", here: "Floats") -> float:
    from scipy.spatial.distance import jensenshannon

    values = np.unique(np.concatenate([there, here]))
    shares = [np.bincount(np.searchsorted(values, side), minlength=len(values)) / len(side) for side in (there, here)]
    return float(jensenshannon(*shares))


def _kolmogorov(there: "Floats", given: "Floats") -> float:
    here = np.sort(given[~np.isnan(given)])
    if not len(here):
        return 0.0
    grid = np.concatenate([there, here])
    apart = [np.searchsorted(side, grid, "right") / len(side) for side in (there, here)]
    return float(np.abs(apart[0] - apart[1]).max() * np.sqrt(len(here) * len(there) / (len(here) + len(there))))


def _psi(here: "Floats", there: "Floats") -> float:
    a, b = np.maximum(here, LEAST), np.maximum(there, LEAST)
    return float(((a - b) * np.log(a / b)).sum())
