"""The reference, summed up once, and what each detector's figure is in a window in which nothing has changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from mlops_assets.rooms.monitor.detectors import DETECTORS, Difference, distances
from mlops_assets.rooms.monitor.resampling import Draws, draw
from mlops_assets.rooms.monitor.sums import Sums, add_up

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mlops_assets.rooms.monitor.chunks import Chunks
    from mlops_assets.rooms.monitor.encoding import Codes, Encoding, Floats

TINY = 1e-9
USUAL = 0.95


@dataclass(frozen=True)
class Baseline:
    """What windows of one size are judged against.

    Attributes:
        encoding: of the columns.
        chunks: of the reference; days, or stretches as long as the window.
        sums: of the chunks.
        size: of a window, in chunks.
        rows: of a window.
        seed: of the drawing.
    """

    encoding: "Encoding"
    chunks: "Chunks"
    sums: Sums
    size: int
    rows: int
    seed: int = 0

    @cached_property
    def means(self) -> "Floats":
        """All sums a row of the reference."""
        found: Floats = self.sums.table().sum(axis=0) / self.sums.rows.sum()
        return found

    @cached_property
    def draws(self) -> Draws:
        """Pseudo-windows of the reference."""
        return draw(self.chunks, self.size, seed=self.seed)

    @cached_property
    def _strays(self) -> "Floats":
        centred = self.sums.table() - self.sums.rows[:, None] * self.means
        strays: Floats = self.draws.weights @ centred
        return strays

    @cached_property
    def _usual(self) -> "Floats":
        """Squared strays of moments and steps; never under that of so many rows drawn one by one."""
        _, moments, steps = self.sums.parts
        mean = (self._strays[:, moments.start : steps.stop] ** 2).mean(axis=0)
        least: Floats = np.maximum(mean, 1 / self.rows)
        return least

    @cached_property
    def null(self) -> Mapping[str, "Floats"]:
        """Each detector's figures over the pseudo-windows."""
        return self._figures(self._strays)

    def judge(self, codes: "Codes") -> dict[str, float]:
        """Each detector's figure of a window."""
        return self.judge_sums(add_up(self.encoding, codes, np.zeros(len(codes), np.int64), 1))

    def judge_sums(self, found: Sums) -> dict[str, float]:
        """Each detector's figure of a window that was added up as one chunk."""
        stray = found.table() / found.rows.sum() - self.means
        return {name: float(figure[0]) for name, figure in self._figures(stray).items()}

    def distances(self, found: Sums) -> "Floats":
        """A distance a column, of a window that was added up as one chunk."""
        apart = distances(self.encoding, found.counts / found.rows.sum() - self.means[None, self.sums.parts[0]])
        return apart.ravel()

    def thresholds(self, rate: float) -> dict[str, float]:
        """The figures that some detector exceeds with this probability, over all of them together.

        Each figure's logarithm is set against its own usual height, so that none has more say than the others; the
        threshold is the quantile of the highest (Westfall and Young, 1993).
        """
        heights = {name: self._scale(figures) for name, figures in self.null.items()}
        relative = [(np.log(self.null[n] + TINY) - middle) / usual for n, (middle, usual) in heights.items()]
        limit = float(np.quantile(np.max(relative, axis=0), 1 - rate))
        return {name: float(np.exp(middle + limit * usual)) for name, (middle, usual) in heights.items()}

    def usual_distances(self, rate: float) -> "Floats":
        """A column's distance each that a window without change exceeds with this probability, by itself."""
        drawn = distances(self.encoding, self._strays[:, self.sums.parts[0]])
        usual: Floats = np.quantile(drawn, 1 - rate, axis=0)
        return usual

    def _figures(self, strays: "Floats") -> dict[str, "Floats"]:
        counts, moments, steps = self.sums.parts
        scaled = strays[:, moments.start : steps.stop] / np.sqrt(self._usual)
        width = moments.stop - moments.start
        found = Difference(
            self.encoding, distances(self.encoding, strays[:, counts]), scaled[:, :width], scaled[:, width:]
        )
        return {name: detector(found) for name, detector in DETECTORS.items()}

    @staticmethod
    def _scale(figures: "NDArray[Any]") -> tuple[float, float]:
        logs = np.log(figures + TINY)
        middle = float(np.median(logs))
        return middle, max(float(np.quantile(logs, USUAL)) - middle, TINY)
