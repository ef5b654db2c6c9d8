"""skrub's and Evidently's own pages of a dataset: heavy, so they draw a sample, and only when they are asked for."""

import os
import warnings
from typing import TYPE_CHECKING, Final

from mlops_assets.rooms.explore.eda import DIGITS, frame, self_contained
from mlops_assets.rooms.explore.relations import sampled

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

SKRUB_ROWS: Final = 20_000
EVIDENTLY_ROWS: Final = 10_000
NEAR: Final = 1e-9
"""Of the largest value: numbers that are no further apart, and so large, are drawn as names."""
_FEW: Final = 50
"""Rows up to which even a column of names is drawn."""
EVIDENTLY_COLUMNS: Final = 30
"""Evidently's time goes to drawing, with the number of columns."""


def skrub_page(rows: "pa.Table", title: str) -> str:
    """Skrub's TableReport: every column, its values and how columns go together.

    Raises:
        ValueError: the page would load something from elsewhere.
    """
    from skrub import TableReport, config_context

    drawn = frame(sampled(rows, SKRUB_ROWS))
    report = TableReport(drawn, title=f"{title}: {len(drawn):,} of {rows.num_rows:,} rows", verbose=0)
    with config_context(float_precision=DIGITS):
        return self_contained(report.html())


def evidently_page(rows: "pa.Table") -> str:
    """Evidently's DataSummary of a version.

    Raises:
        ValueError: the page would load something from elsewhere.
    """
    os.environ.setdefault("DO_NOT_TRACK", "1")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the libraries that Evidently imports, and of its own arithmetic
        return self_contained(_summary(_drawable(sampled(rows, EVIDENTLY_ROWS))))


def _summary(frame: "pd.DataFrame") -> str:
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataSummaryPreset

    kinds = {name: str(kind) for name, kind in frame.dtypes.items()}
    definition = DataDefinition(
        numerical_columns=[name for name, kind in kinds.items() if kind == "float64"],
        categorical_columns=[name for name, kind in kinds.items() if kind == "object"],
        datetime_columns=[name for name, kind in kinds.items() if kind.startswith("datetime64")],
    )
    found = Report([DataSummaryPreset()]).run(Dataset.from_pandas(frame, data_definition=definition), None)
    html: str = found.get_html_str(as_iframe=False)
    return html


def _drawable(rows: "pa.Table") -> "pd.DataFrame":
    """The first columns that have a value, each as a number, a text or a time without a zone."""
    import pandas as pd

    frame = rows.to_pandas()
    columns = {}
    for name in [name for name in frame.columns if frame[name].notna().any()][:EVIDENTLY_COLUMNS]:
        values = frame[name]
        if isinstance(values.dtype, pd.DatetimeTZDtype):
            columns[name] = values.dt.tz_convert("UTC").dt.tz_localize(None)
        elif pd.api.types.is_bool_dtype(values.dtype) or not pd.api.types.is_numeric_dtype(values.dtype):
            columns[name] = values.where(values.notna(), None).map(unscripted)
        else:
            number = values.astype("float64")
            columns[name] = number if _cuttable(number) else number.map(lambda each: f"{each:.17g}", na_action="ignore")
    named = [
        name for name, values in columns.items() if values.dtype == "object" and values.nunique() > len(values) / 2
    ]
    for name in named if len(named) < len(columns) and len(frame) > _FEW else ():
        del columns[name]  # a name of its own for nearly every row: a picture of it says nothing
    return pd.DataFrame({unscripted(name): values for name, values in columns.items()})


def _cuttable(number: "pd.Series[float]") -> bool:
    """Whether its values lie so far apart that a float tells the ends of a picture's bins."""
    import numpy as np

    finite = number[np.isfinite(number)]
    return finite.empty or bool(np.ptp(finite / 2) > NEAR * np.abs(finite).max() or np.abs(finite).max() < 1 / NEAR)


def unscripted(value: object) -> str | None:
    """A value as text that cannot end the script into which Evidently writes it unescaped."""
    return None if value is None else str(value).replace("<", "\u2039")
