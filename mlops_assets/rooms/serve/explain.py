"""The simple model's terms for one row, from the bundle's manifest alone."""

from collections.abc import Mapping
from typing import Any, Final

from mlops_assets.rooms.serve.question import Row

SHOWN: Final = 10


def explained(told: Mapping[str, Any] | None, names: tuple[str, ...], row: Row, *, place: int = 0) -> Any:
    """The largest terms, each with its sign, and what they are of; None where the bundle explains nothing.

    Args:
        told: the manifest's explanation.
        names: of the row's values.
        row: of inputs.
        place: of the class that is explained, where there are several.
    """
    if told is None or any("low" not in entry for entry in told["numbers"].values()):
        return None  # a bundle of before terms were clipped as the model clips told other terms than its own
    values = dict(zip(names, row, strict=True))
    place = min(place, len(told["intercept"]) - 1)
    terms = {name: _number(entry, values[name], place) for name, entry in told["numbers"].items()}
    terms |= {name: _category(entry, values[name], place) for name, entry in told["categories"].items()}
    largest = sorted(terms.items(), key=lambda item: -abs(item[1]))[:SHOWN]
    intercept = told["intercept"][place]
    return {
        "of": told["of"],
        "unit": told["unit"],
        "intercept": intercept,
        "sum": intercept + sum(terms.values()),
        "terms": dict(largest),
    }


def _number(entry: Mapping[str, Any], value: Any, place: int) -> float:
    given = min(max(entry["median"] if value is None else value, entry["low"]), entry["high"])
    return float(entry["terms"][place] * (given - entry["mean"]) / (entry["scale"] or 1.0))


def _category(entry: Mapping[str, Any], value: Any, place: int) -> float:
    code = int(entry["missing"] if value is None else entry["codes"].get(value, entry["unknown"]))
    return float(entry["terms"][code][place]) if code >= 0 else 0.0
