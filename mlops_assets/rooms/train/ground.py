"""The rows on which variants are compared, cut into stretches of time, or groups, scored by models of the others."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from mlops_assets.errors import TrainingError
from mlops_assets.rooms.train.bootstrap import day_blocks
from mlops_assets.rooms.train.inputs import present
from mlops_assets.rooms.train.threads import one_thread

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray
    from sklearn.pipeline import Pipeline

    from mlops_assets.rooms.label.task import Task
    from mlops_assets.rooms.train.bootstrap import Times
    from mlops_assets.rooms.train.candidates import Builder
    from mlops_assets.rooms.train.metric import Floats, Ints
    from mlops_assets.rooms.train.training_set import Examples

FOLDS: Final = 3
MAX_ROWS: Final = 40_000

Build = Callable[["pd.DataFrame"], "Pipeline"]
Watch = Callable[[int, "Floats", "Pipeline"], None]
"""(folds that are scored, the scores so far, NaN where there is none, the last pipeline); it may raise to give up."""


@dataclass(frozen=True)
class Ground:
    """Rows, evenly spread over the training set, and the fold of each.

    Attributes:
        examples: the training set.
        positions: which of its rows.
        outcomes: of the rows.
        folds: of the rows.
        blocks: the day of each row, or its group.
        seed: of what is built.
        forward: whether a stretch is scored by a model of the earlier ones alone, and the first by none.
    """

    examples: "Examples"
    positions: "Ints"
    outcomes: "Floats"
    folds: "Ints"
    blocks: "Ints"
    seed: int
    forward: bool = False

    @classmethod
    def of(cls, examples: "Examples", *, seed: int, rows: int = MAX_ROWS, forward: bool = False) -> Self:
        """At most so many rows of a training set; forward only where there is a time to go forward in."""
        import numpy as np

        stride = -(-len(examples.labels) // rows)
        positions = np.arange(0, len(examples.labels), stride, dtype=np.int64)
        times = None if examples.times is None else examples.times[positions]
        forward = forward and times is not None
        groups = None if examples.groups is None else examples.groups[positions]
        folds = time_folds(times, len(positions), FOLDS + forward) if groups is None else group_folds(groups)
        blocks = day_blocks(times, len(positions)) if groups is None else examples.blocks[positions]
        return cls(examples, positions, examples.labels[positions], folds, blocks, seed, forward)

    def scores(self, builder: "Builder", watch: Watch | None = None, *, workers: int = 1) -> "Floats":
        """Out of fold, by the pipelines of a builder; so many folds at a time, which changes no score."""

        def build(rows: "pd.DataFrame") -> "Pipeline":
            return builder(present(self.examples.features, rows), self.seed)

        data = self.examples.frame.iloc[self.positions]
        task = self.examples.task
        return out_of_fold(
            build, data, self.outcomes, self.folds, task, watch=watch, forward=self.forward, workers=workers
        )


def time_folds(times: "Times | None", rows: int, count: int = FOLDS) -> "Ints":
    """The fold of each row: contiguous stretches of whole days with about equal rows; without time, every third row."""
    import numpy as np

    if times is None:
        return np.arange(rows, dtype=np.int64) % count
    _, codes = np.unique(times.astype("datetime64[D]"), return_inverse=True)
    before = np.cumsum(np.bincount(codes)) - np.bincount(codes) / 2
    of_day = np.minimum((before * count / rows).astype(np.int64), count - 1)
    return np.asarray(of_day[codes], dtype=np.int64)


def group_folds(groups: "Ints", count: int = FOLDS) -> "Ints":
    """The fold of each row: whole groups, the largest first, each into the fold with the fewest rows.

    >>> import numpy as np
    >>> group_folds(np.array([0, 0, 0, 1, 1, 2, 3]), 2).tolist()
    [0, 0, 0, 1, 1, 1, 0]

    Raises:
        TrainingError: there are fewer groups than folds.
    """
    import numpy as np

    names, codes, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    if len(names) < count:
        raise TrainingError.of(
            "too few groups to compare candidates on",
            got=len(names),
            allowed=f"{count} or more among the training rows",
            step="wait for rows of more groups, or leave train.group out",
        )
    filled, fold = np.zeros(count, dtype=np.int64), np.zeros(len(names), dtype=np.int64)
    for place in np.argsort(-sizes, kind="stable"):
        fold[place] = filled.argmin()
        filled[fold[place]] += sizes[place]
    return np.asarray(fold[codes], dtype=np.int64)


def out_of_fold(
    build: Build,
    data: "pd.DataFrame",
    outcomes: "Floats",
    folds: "Ints",
    task: "Task",
    *,
    watch: Watch | None = None,
    forward: bool = False,
    workers: int = 1,
) -> "Floats":
    """Each row's score by a model that was built for the other folds and trained on them; forward, for earlier ones.

    Forward the newest fold comes first: it is the most like what is to come, and a variant is given up by it.

    Raises:
        TrainingError: the other folds of a fold hold one class or value only.
    """
    import numpy as np

    scores = task.constant(task.baseline(outcomes) * np.nan, len(outcomes))

    def fit(fold: int) -> "tuple[NDArray[np.bool_], Floats, Pipeline]":
        inside, others = folds == fold, folds < fold if forward else folds != fold
        why = task.undecided(outcomes[others])
        if why:
            raise TrainingError.of(
                f"a stretch of the training rows holds {why}",
                step="wait for more labels, or widen train.window",
            )
        learnt = data[others]
        with one_thread():  # a setting of the thread, so that each worker has its own
            pipeline = build(learnt).fit(learnt, task.targets(outcomes[others]))
            return inside, task.scores(pipeline, data[inside]), pipeline

    order = np.unique(folds)[:0:-1] if forward else np.unique(folds)
    with one_thread(), ThreadPoolExecutor(workers) as pool:
        fitted: Iterable[tuple[NDArray[np.bool_], Floats, Pipeline]] = (pool.map if workers > 1 else map)(fit, order)
        for done, (inside, said, pipeline) in enumerate(fitted, start=1):
            scores[inside] = said
            if watch:
                watch(done, scores, pipeline)
    return scores
