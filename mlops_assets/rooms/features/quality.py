"""What is looked at before features are used: NaN, infinity and nulls."""

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


def not_finite(rows: "pa.Table", features: list[str]) -> dict[str, int]:
    """Feature to its count of NaN and infinite values, where there are any; null is no such value."""
    import pyarrow as pa
    import pyarrow.compute as pc

    numbers = [name for name in features if pa.types.is_floating(rows.schema.field(name).type)]
    counts = {name: pc.sum(pc.invert(pc.is_finite(rows[name]))).as_py() or 0 for name in numbers}
    return {name: count for name, count in counts.items() if count}


def null_shares(rows: "pa.Table", features: list[str]) -> dict[str, float]:
    """Feature to its share of nulls; 0 where there are no rows."""
    return {name: rows[name].null_count / max(rows.num_rows, 1) for name in features}


def same(one: object, other: object) -> bool:
    """Equal, up to the order in which floats were added.

    >>> same(0.1 + 0.2, 0.3), same(float("nan"), float("nan")), same(1.0, None)
    (True, True, False)
    """
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9) or (math.isnan(one) and math.isnan(other))
    return one == other
