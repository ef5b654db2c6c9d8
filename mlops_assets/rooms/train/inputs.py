"""What a model is fed: numbers as float64 and categories as text, in one fixed order of columns."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from mlops_assets.errors import TrainingError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    from numpy.typing import NDArray

Kind = Literal["number", "category"]


@dataclass(frozen=True)
class Feature:
    """A column of a model's input.

    Attributes:
        name: of the column.
        kind: `number` is fed as float64, `category` as text; both may be missing.
    """

    name: str
    kind: Kind


def features_of(schema: "pa.Schema", names: Iterable[str]) -> tuple[Feature, ...]:
    """The features of that name, with the kind that their Arrow type makes them.

    Raises:
        TrainingError: a feature is not there, or is neither a number nor a category.
    """
    return tuple(Feature(name, _kind(schema, name)) for name in names)


def from_manifest(manifest: Mapping[str, object]) -> tuple[Feature, ...]:
    """The features that a model was trained on, as its manifest lists them."""
    listed = manifest["features"]
    if not isinstance(listed, list):
        raise TrainingError.of("the manifest has no list of features", got=type(listed).__name__)
    return tuple(Feature(entry["name"], entry["kind"]) for entry in listed)


def present(features: Iterable[Feature], data: "pd.DataFrame") -> list[Feature]:
    """The features that have a value at all in these rows: from the others nothing can be learnt.

    Raises:
        TrainingError: there is none.
    """
    found = [feature for feature in features if bool(data[feature.name].notna().any())]
    if not found:
        raise TrainingError.of("every feature is missing in every row", step="look at the feature table's joins")
    return found


def frame(rows: "pa.Table", features: Iterable[Feature]) -> "pd.DataFrame":
    """The model's input of those rows; a missing number is NaN, a missing category None.

    Raises:
        TrainingError: the rows lack a feature.
    """
    import pandas as pd

    wanted = list(features)
    missing = [feature.name for feature in wanted if feature.name not in rows.column_names]
    if missing:
        raise TrainingError.of(
            "the rows lack features of the model", got=", ".join(missing), allowed=", ".join(rows.column_names)
        )
    columns = {feature.name: _VALUES[feature.kind](rows.column(feature.name)) for feature in wanted}
    return pd.DataFrame(columns, copy=False)


def _numbers(column: "pa.ChunkedArray") -> "NDArray[Any]":
    """As float64, in memory of their own."""
    import numpy as np
    import pyarrow as pa

    values = column.cast(pa.float64(), safe=False).to_numpy()
    return values if values.flags.writeable else np.array(values)


def _texts(column: "pa.ChunkedArray") -> "NDArray[Any]":
    """As texts, of which equal ones are one object: a category has few, and many rows."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    encoded = column.cast(pa.string()).combine_chunks().dictionary_encode()
    texts = np.array([*encoded.dictionary.to_pylist(), None], dtype=object)
    found: NDArray[Any] = texts[pc.fill_null(encoded.indices, len(texts) - 1).to_numpy(zero_copy_only=False)]
    return found


_VALUES: Final[Mapping[Kind, "Callable[[pa.ChunkedArray], NDArray[Any]]"]] = {"number": _numbers, "category": _texts}


def _kind(schema: "pa.Schema", name: str) -> Kind:
    import pyarrow as pa

    if name not in schema.names:
        raise TrainingError.of(f"no feature '{name}' in the table", allowed=", ".join(schema.names))
    kind = schema.field(name).type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    is_ = pa.types
    if any(test(kind) for test in (is_.is_integer, is_.is_floating, is_.is_decimal, is_.is_boolean)):
        return "number"
    if any(test(kind) for test in (is_.is_string, is_.is_large_string, is_.is_string_view)):
        return "category"
    raise TrainingError.of(
        f"feature '{name}' cannot be fed to a model",
        got=str(kind),
        allowed="numbers, booleans and text",
        step="take a part of it in the feature table, such as the hour of a timestamp",
    )
