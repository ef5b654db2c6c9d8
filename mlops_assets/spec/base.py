"""What all specs share: frozen, no unknown keys, and the small types that YAML spells as text."""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, PlainSerializer, StringConstraints

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_RESERVED = {"raw", "clean"}


class Spec(BaseModel):
    """A frozen declaration; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


def duration(value: object) -> object:
    """Read `15m`, `3h`, `1d` or `2w` as a timedelta; leave anything else to Pydantic.

    >>> duration("28d")
    datetime.timedelta(days=28)
    """
    if isinstance(value, str):
        match = re.fullmatch(r"(\d+(?:\.\d+)?)([mhdw])", value.strip())
        if not match:
            raise ValueError(f"not a duration: {value!r}; allowed: a number and m, h, d or w, such as 15m or 28d")
        return timedelta(**{_UNITS[match[2]]: float(match[1])})
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise ValueError(f"a duration needs a unit: {value!r}; allowed: 15m, 3h, 1d, 2w")  # noqa: TRY004 - Pydantic
    return value


def duration_text(value: timedelta) -> str:
    """The text that is read as this timedelta.

    >>> duration_text(timedelta(days=28)), duration_text(timedelta(minutes=90))
    ('28d', '90m')
    """
    for unit, size in (("d", timedelta(days=1)), ("h", timedelta(hours=1)), ("m", timedelta(minutes=1))):
        if not value % size:
            return f"{value // size}{unit}"
    return f"{value / timedelta(minutes=1)}m"


def reference(value: str) -> str:
    """Check that a user's own thing is named `module:name`.

    >>> reference("contract:Flights")
    'contract:Flights'
    """
    if not re.fullmatch(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*", value):
        raise ValueError(f"not a reference: {value!r}; allowed: module:name, such as contract:Flights")
    return value


Duration = Annotated[
    timedelta, BeforeValidator(duration), PlainSerializer(duration_text, return_type=str, when_used="json")
]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
Column = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Sql = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Reference = Annotated[str, AfterValidator(reference)]
