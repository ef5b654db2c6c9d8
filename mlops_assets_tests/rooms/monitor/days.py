"""Calm and shifted windows of a made-up model: days of scores whose outcomes happen as often as they say."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from mlops_assets.rooms.monitor.reference import Reference, chunks_of

START = datetime(2024, 1, 1, tzinfo=UTC)
MANIFEST: dict[str, Any] = {
    "features": [{"name": "rain", "kind": "number"}, {"name": "carrier", "kind": "category"}],
    "threshold": 0.5,
    "base_rate": 0.3,
    "baseline": [0.3],
    "task": "binary",
    "objective": "roc_auc",
}


def window(
    days: int = 28,
    rows: int = 60,
    *,
    seed: int = 0,
    timed: bool = True,
    moods: float = 0.3,
    unsaid: float = 0.0,
    shift: float = 0.0,
    flipped: float = 0.0,
    nulls: float = 0.05,
    unit: float = 1.0,
    carriers: str = "ABC",
) -> pa.Table:
    """Rows with `event_time`, two features, `score` and `label`.

    Args:
        moods: how much days differ from each other.
        unsaid: how much weeks differ in what happens and no score knows.
        shift: of the scores' log odds, which the outcomes do not follow.
        unit: by which the rain is multiplied.
        flipped: the share of rows whose outcome is drawn without a look at the score.
    """
    draw = np.random.default_rng(seed)
    count = days * rows
    day = np.repeat(np.arange(days), rows)
    logit = -0.8 + draw.normal(size=count) + moods * draw.normal(size=days)[day]
    weeks = unsaid * draw.normal(size=days // 7 + 1)[day // 7] if unsaid else 0.0
    truth = 1 / (1 + np.exp(-(logit + weeks)))
    happens = np.where(draw.random(count) < flipped, truth.mean(), truth)
    rain = np.where(draw.random(count) < nulls, np.nan, unit * draw.normal(size=count))
    times = [
        START + timedelta(days=int(d), seconds=60.0 * int(n)) for d, n in zip(day, np.arange(count) % rows, strict=True)
    ]
    return pa.table(
        {
            "event_time": pa.array(times if timed else [None] * count, pa.timestamp("us", tz="UTC")),
            "rain": pa.array(rain, from_pandas=True),
            "carrier": draw.choice(list(carriers), count),
            "score": 1 / (1 + np.exp(-(logit + shift))),
            "label": (draw.random(count) < happens).astype(float),
        }
    )


def reference(days: int = 84, rows: int = 60, *, seed: int = 1_000, timed: bool = True, **given: Any) -> Reference:
    """A calm reference."""
    table = window(days, rows, seed=seed, timed=timed, **given)
    return Reference(MANIFEST, table, chunks_of(table))
