"""The statistics that tell a window from its reference without a label, each by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from mlops_assets.rooms.monitor.encoding import Encoding, Floats


@dataclass(frozen=True)
class Difference:
    """Windows against a reference, a row each.

    Attributes:
        encoding: of the columns; the score is the last.
        distances: a column each: Kolmogorov-Smirnov over a number's bins, total variation of a category.
        moments: means, squares and products of the columns, each in units of its own usual stray.
        steps: the steps from row to row, likewise.
    """

    encoding: "Encoding"
    distances: "Floats"
    moments: "Floats"
    steps: "Floats"


Detector = Callable[[Difference], "Floats"]


def score(found: Difference) -> "Floats":
    """Prediction drift: the distance of the scores' distributions."""
    return found.distances[:, -1]


def features(found: Difference) -> "Floats":
    """Feature drift: the columns' distances, weighted by what each tells of the score."""
    return found.distances[:, :-1] @ found.encoding.weights


def domain(found: Difference) -> "Floats":
    """A domain classifier: the distance that a diagonal linear discriminant finds between window and reference.

    It looks at means, squares and products of all columns, so that it sees columns that no longer go together
    (Bickel and Levina, 2004: with many columns the diagonal discriminant beats the full one).
    """
    squared: Floats = (found.moments**2).mean(axis=1)
    return squared


def order(found: Difference) -> "Floats":
    """Rows of one time that are no longer alike: a mis-joined or shuffled table, repeated rows."""
    squared: Floats = (found.steps**2).mean(axis=1)
    return squared


DETECTORS: Final[Mapping[str, Detector]] = {
    "score": score,
    "features": features,
    "domain": domain,
    "order": order,
}


def distances(encoding: "Encoding", shares: "Floats") -> "Floats":
    """A column's distance each, from differences of the shares of codes."""
    found = []
    for column in encoding.columns:
        part = shares[:, column.first : column.first + column.size]
        if column.feature.kind == "number":
            found.append(np.abs(np.cumsum(part, axis=1)).max(axis=1))
        else:
            found.append(np.abs(part).sum(axis=1) / 2)
    return np.column_stack(found)
