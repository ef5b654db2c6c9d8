"""A twin: the same recipe without the held-out rows, which answers them for a model that learns from them, too.

A model of all rows cannot be judged on any of them. Its twin can: what it says of the held-out rows goes with the
model's own files, and is what the verdict looks at.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from mlops_assets.errors import Damaged
from mlops_assets.rooms.train.threads import one_thread

if TYPE_CHECKING:
    import pyarrow as pa
    from sklearn.pipeline import Pipeline

    from mlops_assets.rooms.train.metric import Floats
    from mlops_assets.rooms.train.training_set import Examples

JUDGED: Final = "judged.parquet"
"""The file of a bundle that holds the twin's answers."""


def together(train: "Examples", held: "Examples") -> "Examples":
    """The rows before the holdout and those held out, in the order of time."""
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    times = None if train.times is None or held.times is None else np.concatenate([train.times, held.times])
    return replace(
        train,
        frame=pd.concat([train.frame, held.frame], ignore_index=True),
        labels=np.concatenate([train.labels, held.labels]),
        times=times,
        rows=pa.concat_tables([train.rows, held.rows]),
    )


def answers(twin: "Pipeline", held: "Examples") -> "pa.Table":
    """What a twin says of the held-out rows, with the event time of each."""
    import pyarrow as pa

    with one_thread():
        scores = held.task.scores(twin, held.frame)
    columns = {name: pa.array(values) for name, values in held.task.columns(scores).items()}
    return pa.table({"event_time": held.rows["event_time"], **columns})


def scores(files: Mapping[str, bytes], held: "Examples") -> "Floats":
    """The twin's answers that go with a model.

    Raises:
        Damaged: they are about other rows.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    said = pq.read_table(pa.BufferReader(files[JUDGED]))
    if said["event_time"].combine_chunks() != held.rows["event_time"].combine_chunks():
        raise Damaged.of("the twin's answers are about other rows", got=len(said), allowed=len(held.labels))
    return held.task.read(said)
