"""The usual triggers, as one figure a window each, so that all can be put at the same false-alarm rate."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from mlops_assets.rooms.monitor.baseline import Baseline
    from mlops_assets.rooms.monitor.encoding import Codes, Floats

GRID = np.linspace(0.0025, 0.9975, 200)
EVIDENTLY = 0.1
"""The threshold of its default distances from a thousand reference rows on."""


class Rivals:
    """Distances to one reference."""

    def __init__(self, base: "Baseline", x: "Floats") -> None:
        """Keep what the distances need of the reference.

        Args:
            base: the reference, summed up.
            x: its columns, the score last; categories as whole numbers.
        """
        self.base = base
        self.kinds = [column.feature.kind == "number" for column in base.encoding.columns]
        self.grids = [np.nanquantile(x[:, place], GRID) for place in range(x.shape[1])]
        self.spreads = np.maximum(np.nanstd(x, axis=0), 1e-3)
        self.shares = base.means[base.sums.parts[0]]

    def figures(self, codes: "Codes", x: "Floats") -> dict[str, float]:
        """The highest PSI; the smallest KS p-value, turned round; Evidently's count of columns."""
        psi, ks, drifted = [], [], []
        counts = np.bincount(codes.ravel(), minlength=self.base.encoding.size) / len(codes)
        for place, column in enumerate(self.base.encoding.columns):
            part = slice(column.first, column.first + column.size)
            here, there = counts[part], self.shares[part]
            psi.append(_psi(here, there))
            if self.kinds[place]:
                ks.append(np.abs(np.cumsum(here - there)).max() * np.sqrt(len(codes)))
                drifted.append(self._wasserstein(place, x))
            else:
                drifted.append(_jensen_shannon(here, there))
        apart = np.array(drifted)
        return {
            "psi": max(psi),
            "ks": float(max(ks)),
            "evidently": float((apart >= EVIDENTLY).sum() + min(apart.max(), 9) / 10),
        }

    def _wasserstein(self, place: int, x: "Floats") -> float:
        """Normed by the reference's deviation, over 200 quantiles, without missing values: as Evidently does."""
        known = x[:, place][~np.isnan(x[:, place])]
        if not len(known):
            return 0.0
        return float(np.abs(np.quantile(known, GRID) - self.grids[place]).mean() / self.spreads[place])


def _psi(here: "Floats", there: "Floats") -> float:
    a, b = np.maximum(here, 1e-4), np.maximum(there, 1e-4)
    return float(((a - b) * np.log(a / b)).sum())


def _jensen_shannon(here: "Floats", there: "Floats") -> float:
    middle = (here + there) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = [np.nansum(np.where(p > 0, p * np.log(p / middle), 0)) for p in (here, there)]
    return float(np.sqrt(max(sum(parts) / 2, 0)))
