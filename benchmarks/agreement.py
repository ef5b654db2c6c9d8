"""Whether our fast figures of Evidently's defaults are Evidently's own: both of the same windows, column by column."""

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.rivals import EVIDENTLY, Rivals

if TYPE_CHECKING:
    import pandas as pd

    from benchmarks.streams import Floats, Stream


def agreement(stream: "Stream", known: "Floats", x: "Floats") -> dict[str, Any]:
    """The largest difference of a column's figure, and whether the same columns count as drifted.

    Args:
        stream: that says which columns are categories.
        known: the reference, the score last.
        x: the window, likewise.
    """
    ours, theirs = Rivals(stream, known).evidently(x), its_own(stream, known, x)
    same = bool(((ours >= EVIDENTLY) == (theirs >= EVIDENTLY)).all())
    return {"difference": float(np.abs(ours - theirs).max()), "same": same, "drifted": int((theirs >= EVIDENTLY).sum())}


def its_own(stream: "Stream", known: "Floats", x: "Floats") -> "Floats":
    """What Evidently itself says, by its defaults, a column each."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from evidently import DataDefinition, Dataset, Report
        from evidently.presets import DataDriftPreset

        names = [*stream.columns, "score"]
        texts = [stream.columns[place] for place in stream.categories]
        shape = DataDefinition(numerical_columns=[n for n in names if n not in texts], categorical_columns=texts)
        here, there = (Dataset.from_pandas(_frame(stream, side), data_definition=shape) for side in (x, known))
        told = Report([DataDriftPreset()]).run(here, there).dict()
    found = {m["config"]["column"]: m["value"] for m in told["metrics"] if "column" in m.get("config", {})}
    return np.array([float(found[name]) for name in names])


def _frame(stream: "Stream", x: "Floats") -> "pd.DataFrame":
    import pandas as pd

    frame = pd.DataFrame(x, columns=[*stream.columns, "score"])
    for place in stream.categories:
        name = stream.columns[place]
        frame[name] = frame[name].astype(int).astype(str)
    return frame
