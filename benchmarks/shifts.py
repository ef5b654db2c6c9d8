"""What may happen to a window: harmless shifts, harmful ones and plain faults."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from benchmarks.streams import Floats, Places, Stream

    Rows = tuple[Floats, Places]
    Shift = Callable[[Stream, np.random.Generator, Floats, Places], Rows]


def calm(_stream: "Stream", _draw: np.random.Generator, x: "Floats", y: "Places") -> "Rows":
    """Nothing."""
    return x, y


def covariate_mild(stream: "Stream", _draw: np.random.Generator, x: "Floats", y: "Places") -> "Rows":
    """A tenth of a standard deviation on the joined columns."""
    x = x.copy()
    x[:, stream.context] += 0.1 * np.nanstd(stream.x[:, stream.context], axis=0)
    return x, y


def covariate_strong(stream: "Stream", draw: np.random.Generator, x: "Floats", y: "Places") -> "Rows":
    """Only rows of the upper half of the first number that varies."""
    first = _number(stream, x, 2)
    return _picked(np.sort(draw.choice(np.flatnonzero(x[:, first] >= np.nanmedian(x[:, first])), len(x))), x, y)


def label(_stream: "Stream", draw: np.random.Generator, x: "Floats", y: "Places") -> "Rows":
    """Twice as many yes, or half as many where yes is common."""
    weight = np.where(y == 1, 2.0 if y.mean() < 0.5 else 0.5, 1.0)  # noqa: PLR2004 - a half
    return _picked(np.sort(draw.choice(len(x), len(x), p=weight / weight.sum())), x, y)


def concept(_stream: "Stream", draw: np.random.Generator, x: "Floats", y: "Places") -> "Rows":
    """Half of the outcomes no longer follow from anything."""
    y, moved = y.copy(), draw.random(len(y)) < 0.5  # noqa: PLR2004 - a half
    y[moved] = draw.permutation(y[moved])
    return x, y


def unit_fault(stream: "Stream", _draw: np.random.Generator, x: "Floats", y: "Places") -> "Rows":
    """The first number that varies, in units sixty times as large."""
    x = x.copy()
    x[:, _number(stream, x, 10)] /= 60
    return x, y


def nulls(stream: "Stream", draw: np.random.Generator, x: "Floats", y: "Places") -> "Rows":
    """Four of ten values of every joined column are missing."""
    x = x.copy()
    gone = draw.random(len(x)) < 0.4  # noqa: PLR2004 - the share
    for place in stream.context:
        x[gone, place] = np.nan
    return x, y


def misjoin(stream: "Stream", draw: np.random.Generator, x: "Floats", y: "Places") -> "Rows":
    """The joined columns come from rows of any other time."""
    x = x.copy()
    x[:, stream.context] = stream.x[draw.integers(0, len(stream.x), len(x))][:, stream.context]
    return x, y


def category_swap(stream: "Stream", draw: np.random.Generator, x: "Floats", y: "Places") -> "Rows":
    """Codes of every category in another order."""
    x = x.copy()
    for place in stream.categories:
        x[:, place] = draw.permutation(int(stream.x[:, place].max()) + 1)[x[:, place].astype(int)]
    return x, y


def duplicates(_stream: "Stream", draw: np.random.Generator, x: "Floats", y: "Places") -> "Rows":
    """Half of the rows, each about twice."""
    return _picked(np.sort(draw.choice(draw.permutation(len(x))[: len(x) // 2], len(x))), x, y)


def _number(stream: "Stream", x: "Floats", values: int) -> int:
    """The first column that is no category, of more than so many values."""
    numbers = [place for place in range(x.shape[1]) if place not in stream.categories]
    return next(place for place in numbers if len(np.unique(x[:, place])) > values)


def _picked(places: "Places", x: "Floats", y: "Places") -> "Rows":
    return x[places], y[places]


SHIFTS: "dict[str, Shift]" = {
    shift.__name__: shift
    for shift in (
        calm,
        covariate_mild,
        covariate_strong,
        label,
        concept,
        unit_fault,
        nulls,
        misjoin,
        category_swap,
        duplicates,
    )
}
