"""What a candidate takes to train, to keep and to answer."""

import statistics
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self

from mlops_assets.rooms.train.threads import one_thread
from mlops_assets.stores import bundle

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from mlops_assets.rooms.train.ground import Ground

ASKED: Final = 5
MB: Final = 1_000_000


@dataclass(frozen=True)
class Running:
    """A candidate as a thing that runs.

    Attributes:
        size_mb: of the pipeline, written as a bundle keeps it.
        seconds: of fitting and scoring, all folds; 0 when the figures were read back.
        latency_ms: of one row, the median of a few; 0 when the figures were read back.
    """

    size_mb: float
    seconds: float = field(default=0.0, compare=False)
    latency_ms: float = field(default=0.0, compare=False)

    @classmethod
    def of(cls, ground: "Ground", pipeline: "Pipeline", seconds: float) -> Self:
        """Of a pipeline that was fitted on some of the rows."""
        data = ground.examples.frame.iloc[ground.positions[: ASKED + 1]]
        with one_thread():
            taken = [_taken(ground, pipeline, place) for place in range(len(data))]
        return cls(len(bundle.dumps(pipeline)) / MB, seconds, 1_000 * statistics.median(taken[1:] or taken))


def _taken(ground: "Ground", pipeline: "Pipeline", place: int) -> float:
    begun = time.perf_counter()
    ground.examples.task.scores(pipeline, ground.examples.frame.iloc[ground.positions[place : place + 1]])
    return time.perf_counter() - begun
