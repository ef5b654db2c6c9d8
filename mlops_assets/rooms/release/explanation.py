"""The simple model's view of a prediction: what each feature adds, as anyone can check with a pencil.

Where the champion is itself linear, these are its own terms. Where it is not, the linear candidate is fitted to the
champion's reference rows, and every explanation says that it is of that simpler model.
"""

from typing import TYPE_CHECKING, Any, Final

from mlops_assets.rooms.release.encoding import Encoded, encoded
from mlops_assets.rooms.train.candidates import logistic
from mlops_assets.rooms.train.inputs import Feature, frame, present
from mlops_assets.rooms.train.threads import one_thread

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from sklearn.pipeline import Pipeline

CLASSIFIED: Final = ("binary", "multiclass")


def explanation(
    pipeline: "Pipeline", features: "Sequence[Feature]", rows: "pa.Table", *, task: str
) -> dict[str, Any] | None:
    """The terms of the simple model, as JSON; None where no linear model says anything.

    Args:
        pipeline: the champion's.
        features: its input.
        rows: the reference rows, with their label.
        task: `binary`, `multiclass` or `regression`.
    """
    own = hasattr(pipeline[-1], "coef_") and _in_columns(pipeline)
    simple = pipeline if own else _simple(features, rows, task)
    found = encoded(simple, features) if simple is not None else "no simple model"
    if simple is None or isinstance(found, str):
        return None
    named = {name: step for name, step, _ in simple[0].transformers_}
    return {
        "of": "the model itself" if own else "a simpler linear model of the same rows",
        "unit": "log-odds" if task in CLASSIFIED else "the target's unit",
        **_terms(found, named, simple[-1]),
    }


def _in_columns(pipeline: "Pipeline") -> bool:
    """Whether each category has a column and so a term of its own; learnt rates have none."""
    from sklearn.preprocessing import OneHotEncoder

    steps = {name: step for name, step, _ in getattr(pipeline[0], "transformers_", ())}
    return isinstance(steps.get("categories", OneHotEncoder()), OneHotEncoder)


def _simple(features: "Sequence[Feature]", rows: "pa.Table", task: str) -> "Pipeline | None":
    labels = rows["label"].to_numpy()
    if task != "binary" or len(set(labels)) < 2:  # noqa: PLR2004 - one class is nothing to tell apart
        return None
    data = frame(rows, features)
    with one_thread():
        return logistic(present(features, data), 0).fit(data, labels)


def _terms(found: Encoded, steps: dict[str, Any], model: Any) -> dict[str, Any]:
    """Each feature's terms; the rows of `coef_` follow the classes, and a number's are per unit of its scaled value."""
    import numpy as np

    coefficients = np.atleast_2d(model.coef_)
    numbers, categories, at = {}, {}, 0
    scaled: Any = steps.get("numbers")
    for place, name in enumerate(_inputs(scaled)):
        numbers[name] = {**_scale(scaled, place), "terms": coefficients[:, at].tolist()}
        at += 1
    for name in _inputs(steps.get("categories")):
        width = 1 + int(max((code for code in _codes(found, name)), default=-1))
        table = found.codes[name]
        terms = coefficients[:, at : at + width].T.tolist()
        codes = {"codes": table.known, "unknown": table.unknown, "missing": table.missing}
        categories[name] = {**codes, "terms": terms}
        at += width
    return {"intercept": np.atleast_1d(model.intercept_).tolist(), "numbers": numbers, "categories": categories}


def _scale(steps: Any, place: int) -> dict[str, float]:
    """How a number is filled, clipped to what training saw, and scaled, all in its own unit."""
    clip, scaler = steps["clip"], steps["scale"]
    factor = float(clip.scale_[place])  # of the range to one; the scaler saw clipped values
    return {
        "median": float(steps["impute"].statistics_[place]),
        "low": float(clip.data_min_[place]),
        "high": float(clip.data_max_[place]),
        "mean": (float(scaler.mean_[place]) - float(clip.min_[place])) / factor,
        "scale": float(scaler.scale_[place]) / factor,
    }


def _inputs(step: Any) -> list[str]:
    return [] if step is None else [str(name) for name in step.feature_names_in_]


def _codes(found: Encoded, name: str) -> list[float]:
    table = found.codes[name]
    return [*table.known.values(), table.unknown, table.missing]
