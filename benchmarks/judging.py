"""The monitor's own judgement of many windows against one reference."""

from typing import TYPE_CHECKING

from mlops_assets.rooms.monitor.drift import FAULTS_SHARE, baseline
from mlops_assets.rooms.monitor.faults import Fault, faults
from mlops_assets.rooms.monitor.reference import Reference, chunks_of
from mlops_assets.rooms.monitor.summary import summary

if TYPE_CHECKING:
    from benchmarks.streams import Floats, Places, Stream

RATE = 0.05


class Judge:
    """One reference, and windows of one size."""

    def __init__(
        self, stream: "Stream", x: "Floats", score: "Floats", day: "Places", *, size: int, seed: int = 0
    ) -> None:
        """Sum up the reference once."""
        rows = stream.table(x, score, day)
        self.stream, self.seed = stream, seed
        self.reference = Reference({"features": stream.features()}, rows, chunks_of(rows))
        self.known = summary(self.reference, size)
        self.base = baseline(self.known, size, seed=seed)
        self.limits = self.base.thresholds(RATE * (1 - FAULTS_SHARE))

    def ratios(self, x: "Floats", score: "Floats") -> dict[str, float]:
        """Each detector's figure, and that of the worst fault, over its threshold: above 1 is an alarm."""
        rows = self.stream.table(x, score)
        codes = self.base.encoding.codes(rows)
        shifts = {name: float(figure / self.limits[name]) for name, figure in self.base.judge(codes).items()}
        found = faults(rows, self.known.bounds, days=self.base.size, rate=RATE * FAULTS_SHARE, seed=self.seed)
        return {**shifts, "faults": max(_grown(fault) for fault in found)}


def _grown(fault: Fault) -> float:
    return (fault.window - fault.reference) / (fault.threshold - fault.reference)
