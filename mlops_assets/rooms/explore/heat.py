"""A table of numbers as a picture of a pixel each, its names beside it as text: drawn in a millisecond, at any size."""

from base64 import b64encode
from collections.abc import Sequence
from html import escape
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]

LINE: Final = 18
"""Screen pixels of a row."""
_SMALL: Final = "font-size:12px;color:#475569"


def heat(
    title: str,
    names: Sequence[str],
    values: Sequence[Sequence[float | None]],
    *,
    colours: str,
    ends: tuple[float, float],
    below: Sequence[str],
    square: bool = False,
) -> str:
    """A row of pixels a name.

    Args:
        title: above it.
        names: of the rows.
        values: a row a name; None has no colour.
        colours: matplotlib's name of a map of colours.
        ends: the values of its first and its last colour: shares where none is below 0.
        below: what the columns are, evenly spread; one for each where the picture is square.
        square: whether each column is as wide as a row is high, with its name upright below it.
    """
    across = f"width:{len(below) * LINE}px" if square else "width:100%"
    upright = f"writing-mode:vertical-rl;width:{LINE}px;line-height:{LINE}px" if square else ""
    left = "".join(f"<div style='height:{LINE}px;line-height:{LINE}px'>{escape(name)}</div>" for name in names)
    labels = "".join(f"<span style='{upright}'>{escape(label)}</span>" for label in below)
    picture = f"style='{across};height:{len(names) * LINE}px;image-rendering:pixelated;display:block'"
    first, last = (f"{end:g}" if ends[0] < 0 else f"{end:.0%}" for end in ends)
    scale = f"{first} <img alt='' {_source(_ramp(colours))} style='width:120px;height:9px'> {last}"
    return (
        f"<p style='margin:.8rem 0 .3rem'>{escape(title)} <span style='{_SMALL}'>&nbsp; {scale}</span></p>"
        f"<div style='display:grid;grid-template-columns:max-content 1fr;column-gap:8px;{_SMALL}'>"
        f"<div style='text-align:right'>{left}</div>"
        f"<img alt='{escape(title)}' {_source(_pixels(values, colours, ends))} {picture}>"
        f"<div></div><div style='{across};display:flex;justify-content:space-between;margin-top:4px'>{labels}</div>"
        "</div>"
    )


def _pixels(values: Sequence[Sequence[float | None]], colours: str, ends: tuple[float, float]) -> "Pixels":
    import numpy as np

    found = np.array([[np.nan if value is None else value for value in row] for row in values], dtype=np.float64)
    return _coloured((found - ends[0]) / (ends[1] - ends[0]), colours)


def _ramp(colours: str) -> "Pixels":
    import numpy as np

    return _coloured(np.linspace(0, 1, 64)[None], colours)


def _coloured(shares: "NDArray[np.float64]", colours: str) -> "Pixels":
    import numpy as np
    from matplotlib import colormaps

    painted: Any = colormaps[colours](np.ma.masked_invalid(shares), bytes=True)
    return np.asarray(painted, dtype=np.uint8)


def _source(pixels: "Pixels") -> str:
    from PIL import Image

    picture = BytesIO()
    Image.fromarray(pixels).save(picture, format="png")
    return f"src='data:image/png;base64,{b64encode(picture.getvalue()).decode()}'"
