"""A pipeline as a service runs it: categories become numbers by a table, and one float32 matrix goes into the model.

The table is made by asking the fitted encoders themselves, a value at a time, so that it knows their rare and unknown
values exactly; what is left of the pipeline takes and gives numbers only.
"""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mlops_assets.rooms.train.inputs import Feature

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray
    from sklearn.pipeline import Pipeline

NONE: Final = -1.0
"""The code of a category that sets no column of a one-hot encoding."""
_STRANGER: Final = "\x00 no category has this name"


@dataclass(frozen=True)
class Codes:
    """A category's table.

    Attributes:
        known: value to number.
        unknown: the number of a value that is not there.
        missing: the number of no value.
    """

    known: dict[str, float]
    unknown: float
    missing: float

    def of(self, values: Sequence[str | None]) -> list[float]:
        """The numbers of some values."""
        return [self.missing if value is None else self.known.get(value, self.unknown) for value in values]


@dataclass(frozen=True)
class Encoded:
    """A pipeline over a matrix.

    Attributes:
        columns: names of the matrix' columns, in order.
        codes: a table for each that is a category.
        pipeline: fitted, over the matrix.
    """

    columns: tuple[str, ...]
    codes: dict[str, Codes]
    pipeline: "Pipeline"

    def matrix(self, frame: "pd.DataFrame") -> "NDArray[np.float32]":
        """The model's input for those rows."""
        import numpy as np

        found = np.empty((len(frame), len(self.columns)), np.float32)
        for place, name in enumerate(self.columns):
            table = self.codes.get(name)
            with np.errstate(over="ignore"):  # beyond float32 is infinite, which the parity gate sees
                found[:, place] = table.of(frame[name].tolist()) if table else frame[name].to_numpy(np.float64)
        return found


def encoded(pipeline: "Pipeline", features: Sequence[Feature]) -> Encoded | str:
    """The pipeline over a matrix, or why it cannot be had."""
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import Pipeline

    if isinstance(pipeline, Pipeline) and type(pipeline[-1]).__name__.startswith("Dummy") and len(pipeline) == 1:
        return Encoded((), {}, pipeline)
    if not isinstance(pipeline, Pipeline) or len(pipeline.steps) != 2:  # noqa: PLR2004 - columns and model
        return "the pipeline is not made of columns and a model"
    columns, model = (step for _, step in pipeline.steps)
    if not isinstance(columns, ColumnTransformer):
        return f"the pipeline begins with {type(columns).__name__}, not with a ColumnTransformer"
    used = [(name, step, list(names)) for name, step, names in columns.transformers_ if step != "drop"]
    if any(getattr(step, "target_type_", "") == "multiclass" for _, step, _ in used):
        return "a category has a rate for each of several classes"
    order = tuple(feature.name for feature in features if any(feature.name in names for _, _, names in used))
    codes: dict[str, Codes] = {}
    parts = []
    for name, step, names in used:
        places = [order.index(each) for each in names]
        inner, tables = _numeric(step, names)
        codes |= tables
        parts.append((name, inner, places))
    return Encoded(order, codes, Pipeline([("columns", _matrix_columns(parts, len(order))), ("model", model)]))


def _numeric(step: Any, names: Sequence[str]) -> tuple[Any, dict[str, Codes]]:
    """A fitted step over numbers that does what the given one did, and the tables that go before it."""
    from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, TargetEncoder

    if isinstance(step, FunctionTransformer) and step.func is None:
        return "passthrough", {}
    if isinstance(step, OrdinalEncoder | TargetEncoder):  # one number a category, its place or its rate
        return "passthrough", {name: _ordinal(step, place, names) for place, name in enumerate(names)}
    if isinstance(step, OneHotEncoder):
        rows = [_one_hot(step, place, names) for place in range(len(names))]
        tables = {name: table for name, (table, _) in zip(names, rows, strict=True)}
        return _over_codes([width for _, width in rows]), tables
    return _nameless(step), {}


def _nameless(step: Any) -> Any:
    """A fitted step that takes a matrix without a warning that it was fitted on named columns."""
    found = deepcopy(step)
    for part in [found, *(inner for _, inner in getattr(found, "steps", ()))]:
        vars(part).pop("feature_names_in_", None)
    return found


def _ordinal(encoder: Any, place: int, names: Sequence[str]) -> Codes:
    values = [*_values(encoder, place), _STRANGER, None]
    found = [float(row[place]) for row in _asked(encoder, place, names, values)]
    return Codes(dict(zip(values[:-2], found[:-2], strict=True)), found[-2], found[-1])  # type: ignore[arg-type]  # text but the last


def _one_hot(encoder: Any, place: int, names: Sequence[str]) -> tuple[Codes, int]:
    """The table of a category to the number of its column, and how many columns there are."""
    import numpy as np

    widths = _widths(encoder)
    begin = sum(widths[:place])
    values = [*_values(encoder, place), _STRANGER, None]
    rows = np.asarray(_asked(encoder, place, names, values))[:, begin : begin + widths[place]]
    found = [float(row.argmax()) if row.any() else NONE for row in rows]
    return Codes(dict(zip(values[:-2], found[:-2], strict=True)), found[-2], found[-1]), widths[place]  # type: ignore[arg-type]


def _values(encoder: Any, place: int) -> list[str | None]:
    return [str(value) for value in encoder.categories_[place] if isinstance(value, str)]


def _widths(encoder: Any) -> list[int]:
    infrequent = getattr(encoder, "infrequent_categories_", None) or [None] * len(encoder.categories_)
    return [
        len(all_) if rare is None else len(all_) - len(rare) + 1
        for all_, rare in zip(encoder.categories_, infrequent, strict=True)
    ]


def _asked(encoder: Any, place: int, names: Sequence[str], values: Sequence[str | None]) -> Any:
    """What the encoder makes of each value in one column, the others at rest."""
    import pandas as pd

    rest = {name: [_first(encoder, other)] * len(values) for other, name in enumerate(names)}
    frame = pd.DataFrame({**rest, names[place]: pd.Series(list(values), dtype="object")}, dtype="object")
    made = encoder.transform(frame[list(names)])
    return made.toarray() if hasattr(made, "toarray") else made


def _first(encoder: Any, place: int) -> Any:
    return encoder.categories_[place][0]


def _over_codes(widths: Sequence[int]) -> Any:
    """A one-hot encoder whose categories are the numbers of their columns."""
    import numpy as np
    from sklearn.preprocessing import OneHotEncoder

    categories = [np.arange(width, dtype=np.float32) for width in widths]
    encoder = OneHotEncoder(categories=categories, handle_unknown="ignore", sparse_output=False, dtype=np.float32)
    return encoder.fit(np.zeros((1, len(widths)), np.float32))


def _matrix_columns(parts: Sequence[tuple[str, Any, list[int]]], width: int) -> Any:
    """A ColumnTransformer over places instead of names, whose parts are fitted already."""
    import numpy as np
    from sklearn.base import clone
    from sklearn.compose import ColumnTransformer

    unfitted = [(name, step if isinstance(step, str) else clone(step), places) for name, step, places in parts]
    columns = ColumnTransformer(unfitted, sparse_threshold=0).fit(np.outer([0.0, 1.0], np.ones(width)))
    fitted = {name: step for name, step, _ in parts}
    columns.transformers_ = [
        (name, step if step == "drop" or isinstance(fitted.get(name), str) else fitted[name], places)
        for name, step, places in columns.transformers_
    ]
    return columns
