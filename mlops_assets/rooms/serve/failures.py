"""What was not answered, by day, version and status: counted by the service, and kept in a log of its own."""

import json
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

from mlops_assets.stores.prediction_log import replayed

FOLDER: Final = "_failures"
PAUSE: Final = 10.0
"""Seconds in which failures are counted together."""
OURS: Final = 500
DROPPED: Final = 0
"""In place of a status: what a challenger was not asked, for the shadow's queue was full."""


def record(version: str, status: int, count: int) -> bytes:
    """As the log keeps it."""
    told = {"t": time.time_ns() // 1000, "v": int(version) if version else None, "status": status, "n": count}
    return json.dumps(told).encode()


def told(log: Path, model: str) -> "Counter[tuple[date, int | None, str]]":
    """How often nothing was answered, by day, version and `refused` (4xx) or `failed` (5xx)."""
    found: Counter[tuple[date, int | None, str]] = Counter()
    for each in replayed(log / FOLDER / model):
        if each["status"] == DROPPED:
            continue
        kind = "failed" if each["status"] >= OURS else "refused"
        found[(datetime.fromtimestamp(each["t"] / 1e6, UTC).date(), each["v"], kind)] += each["n"]
    return found


def dropped(log: Path, model: str) -> "Counter[int]":
    """How many questions of its share each challenger was not asked, by version."""
    found: Counter[int] = Counter()
    for each in replayed(log / FOLDER / model):
        if each["status"] == DROPPED:
            found[each["v"]] += each["n"]
    return found


def beside(days: Sequence[dict[str, Any]], log: Path, model: str) -> list[dict[str, Any]]:
    """The records of usage, each champion's with what was not answered; a day of failures alone has its own."""
    known = told(log, model)
    there = {(day["day"], day["model_version"]) for day in days if day["role"] == "champion"}
    more = {place[:2] for place in known} - there
    alone = [{"day": day, "model_version": version, "role": "champion", "requests": 0} for day, version in more]
    rows = sorted([*days, *alone], key=lambda row: (row["day"], row["model_version"] or 0, row["role"]))
    return [{**row, **_counts(known, row)} for row in rows]


def _counts(known: "Counter[tuple[date, int | None, str]]", row: dict[str, Any]) -> dict[str, int]:
    champion = row["role"] == "champion"
    kinds = ("refused", "failed")
    return {kind: known[(row["day"], row["model_version"], kind)] if champion else 0 for kind in kinds}
