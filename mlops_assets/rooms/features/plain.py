"""Features that are a request's column as it is: they are read without a database."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from mlops_assets.rooms.features.recipe import Recipe

if TYPE_CHECKING:
    import pyarrow as pa

_CAST: Final = re.compile(r'cast\(\(\s*("?)(\w+)\1\s*\) as (double|varchar)\)')


def plain(recipe: Recipe) -> "Mapping[str, tuple[str, pa.DataType]]":
    """Feature to the column that it is and the type that it has; a text of numbers, or the like, is no plain one."""
    import pyarrow as pa

    found = {}
    for name, text in recipe.own.items():
        match = _CAST.fullmatch(text)
        if match is None or match[2] not in recipe.schema.names:
            continue
        kind = recipe.schema.field(match[2]).type
        numeric = pa.types.is_integer(kind) or pa.types.is_float32(kind) or pa.types.is_float64(kind)
        if match[3] == "double" and numeric:
            found[name] = (match[2], pa.float64())
        elif match[3] == "varchar" and (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
            found[name] = (match[2], pa.string())
    return found
