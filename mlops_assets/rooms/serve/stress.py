"""Where a served model bends and where it breaks: load is swept against a private instance, and its limits are set."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mlops_assets.rooms.serve.load import Level, sweep

if TYPE_CHECKING:
    from mlops_assets.stores.serving import ServingStore

LEVELS: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256)
SECONDS: Final = 1.5
KNEE: Final = 0.9
"""Of the largest throughput: fewer connections than that reach it are the knee."""
GAIN: Final = 1.15
"""More throughput than that a further worker must bring."""


@dataclass(frozen=True)
class Stress:
    """A sweep, and what follows from it.

    Attributes:
        levels: by workers and connections.
        knee: the fewest connections that nearly reach the largest throughput.
        first_error: the first level with an error; None when there was none.
        settings: workers, batch size and in-flight limit.
    """

    levels: tuple[Level, ...]
    knee: Level
    first_error: Level | None
    settings: dict[str, int]

    def figures(self) -> dict[str, int | float | None]:
        """As numbers that are plotted over time, and that a verdict reads."""
        first = self.first_error.connections if self.first_error else None
        knee = {"knee_connections": self.knee.connections, "throughput": self.knee.throughput}
        times = {"p50_ms": self.knee.p50_ms, "p99_ms": self.knee.p99_ms, "first_error_connections": first}
        return {**knee, **times, **self.settings}


def stress(
    store: "ServingStore", model: str, digest: str, *, levels: Sequence[int] = LEVELS, seconds: float = SECONDS
) -> Stress:
    """Sweep load against a private instance of a bundle; of the live one the settings that follow are kept.

    Args:
        store: that has the bundle.
        model: name.
        digest: of the bundle.
        levels: connections at once.
        seconds: a level.
    """
    found: list[Level] = []
    for workers in range(1, (os.cpu_count() or 1) + 1):
        swept = sweep(store, model, digest, workers, levels=levels, seconds=seconds)
        if found and _best(swept) < GAIN * _best(found):
            found += swept
            break
        found += swept
    judged = concluded(found)
    if digest == store.released(model):
        store.set(model, judged.settings)
    return judged


def concluded(levels: Sequence[Level]) -> Stress:
    """The knee, the first error, and the settings: measured, with room for twice the knee before anyone is refused."""
    count = len({level.workers for level in levels})
    chosen = 1
    for workers in range(2, count + 1):
        if _best(of_workers(levels, workers)) >= GAIN * _best(of_workers(levels, chosen)):
            chosen = workers
    own = [level for level in of_workers(levels, chosen) if not level.errors] or of_workers(levels, chosen)
    best = _best(own)
    knee = next(level for level in own if level.throughput >= KNEE * best)
    first = next((level for level in of_workers(levels, chosen) if level.errors), None)
    room = 4 * knee.connections if first is None else min(4 * knee.connections, max(1, first.connections // 2))
    batch = max(16, min(256, 1 << (knee.connections - 1).bit_length()))
    settings = {"workers": chosen, "batch_size": batch, "in_flight": max(16, room)}
    return Stress(tuple(levels), knee, first, settings)


def of_workers(levels: Sequence[Level], workers: int) -> list[Level]:
    """The levels of so many processes."""
    return [level for level in levels if level.workers == workers]


def _best(levels: Sequence[Level]) -> float:
    return max(level.throughput for level in levels)
