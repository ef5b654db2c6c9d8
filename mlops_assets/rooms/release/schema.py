"""What a model may be asked: each feature's type, whether it may be missing, its usual range, and its categories."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from mlops_assets.rooms.train.inputs import Feature

if TYPE_CHECKING:
    import pyarrow as pa
    from sklearn.pipeline import Pipeline

    from mlops_assets.spec.serve import Serve

LARGEST: Final = 3.4028234663852886e38
"""Of float32: the model is fed no larger number."""


def schema(pipeline: "Pipeline", features: Sequence[Feature], rows: "pa.Table", serve: "Serve") -> list[dict[str, Any]]:
    """An entry a feature, in the order of the model's input.

    Args:
        pipeline: fitted; what its encoders know are the categories.
        features: of the model.
        rows: of its training.
        serve: what the declaration refuses, and what the log may keep.
    """
    known = _categories(pipeline)
    return [_entry(feature, rows, known, serve) for feature in features]


def _entry(feature: Feature, rows: "pa.Table", known: Mapping[str, list[str]], serve: "Serve") -> dict[str, Any]:
    import pyarrow as pa
    import pyarrow.compute as pc

    column = rows[feature.name]
    entry: dict[str, Any] = {"name": feature.name, "kind": feature.kind, "log": serve.rule(feature.name)}
    if feature.kind == "category":
        seen = sorted(value for value in column.cast(pa.string()).unique().to_pylist() if value is not None)
        unknown = serve.unknown_categories.get(feature.name, "refuse")
        entry |= {"type": "string", "categories": known.get(feature.name, seen), "unknown": unknown}
        return {**entry, "nullable": column.null_count > 0}
    values = column.cast(pa.float64(), safe=False)
    finite = values.filter(pc.is_finite(values))
    bounds = pc.min_max(finite).as_py()
    missing = column.null_count + pc.sum(pc.is_nan(values)).as_py() if len(values) else 0
    low, high = bounds["min"], bounds["max"]
    return {**entry, "type": "number", "minimum": low, "maximum": high, "nullable": bool(missing)}


def _categories(pipeline: "Pipeline") -> dict[str, list[str]]:
    """By feature, as the encoders were fitted; empty where there are none."""
    found: dict[str, list[str]] = {}
    for _, step, names in getattr(pipeline[0], "transformers_", ()):
        for name, values in zip(names, getattr(step, "categories_", ()), strict=False):
            found[name] = sorted(str(value) for value in values if isinstance(value, str))
    return found
