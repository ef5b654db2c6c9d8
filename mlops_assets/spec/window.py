"""What the monitor judges at once: a batch, so many answers, or a stretch of the data's own time."""

import re
from datetime import timedelta
from typing import Annotated, Final

from pydantic import BeforeValidator, Field, PlainSerializer, model_validator

from mlops_assets.spec.base import Duration, Spec, duration, duration_text

ALLOWED: Final = "batch, a number of rows such as 5000 rows, or a duration such as 7d"
SHORTEST: Final = timedelta(hours=1)


class Windows(Spec):
    """How answers are cut into windows; neither is declared: a batch is one."""

    rows: Annotated[int, Field(ge=30)] | None = None
    """Answers of a window; fewer than 30 cannot be judged."""
    every: Duration | None = None
    """The length of a window, by the event time."""

    @property
    def batch(self) -> bool:
        """Whether a batch is a window."""
        return self.rows is None and self.every is None

    @property
    def text(self) -> str:
        """As it is declared.

        >>> Windows(rows=5000).text, Windows(every="7d").text, Windows().text
        ('5000 rows', '7d', 'batch')
        """
        if self.rows is not None:
            return f"{self.rows} rows"
        return duration_text(self.every) if self.every is not None else "batch"

    @model_validator(mode="after")
    def _long_enough(self) -> "Windows":
        if self.every is not None and self.every < SHORTEST:
            raise ValueError(f"a window of {duration_text(self.every)} is too short: allowed is 1h and more")
        return self


def windows(value: object) -> object:
    """Read `batch`, `5000 rows` or `7d`; leave anything else to Pydantic.

    >>> windows("5000 rows"), windows("batch")
    ({'rows': 5000}, {})
    """
    if isinstance(value, int | float):
        raise ValueError(f"a window needs a unit: {value!r}; allowed: {ALLOWED}")  # noqa: TRY004 - Pydantic
    if not isinstance(value, str):
        return value
    text = value.strip()
    if text == "batch":
        return {}
    if counted := re.fullmatch(r"(\d+) rows?", text):
        return {"rows": int(counted[1])}
    try:
        return {"every": duration(text)}
    except ValueError:
        raise ValueError(f"not a window: {value!r}; allowed: {ALLOWED}") from None


DeclaredWindows = Annotated[
    Windows,
    BeforeValidator(windows),
    PlainSerializer(lambda declared: declared.text, return_type=str, when_used="json"),
]
