"""Runs in a fresh environment: loads a serving bundle as the service does, and asks what it must know.

Nothing is imported but the standard library, the bundle's store and the service's engine: what else the model needs
must stand in its own lock.
"""

import json
import resource
import statistics
import time
from pathlib import Path
from typing import Any, Final

from mlops_assets.rooms.serve.engine import Engine, check_golden, engine
from mlops_assets.stores.serving import ServingStore
from mlops_assets.stores.serving_bundles import ServingBundle

ASKED: Final = 48
MB: Final = 1_000_000
_STATUS: Final = Path("/proc/self/status")
_PEAK: Final = "VmHWM:"


def main(root: str, model: str, digest: str) -> None:
    """Print what was measured, as JSON; an answer that is not equal ends with an error."""
    print(json.dumps(measured(ServingStore(Path(root)), model, digest)))  # noqa: T201 - its parent reads it


def measured(store: ServingStore, model: str, digest: str) -> dict[str, Any]:
    """Load, compare the golden answers, and time single rows.

    Raises:
        Damaged: the bundle is not whole, or answers otherwise than where it was trained.
    """
    begun = time.perf_counter()
    bundle = store.load(model, digest)
    made = engine(bundle)
    loaded = time.perf_counter() - begun
    check_golden(bundle, made)
    times = sorted(_timed(bundle, made))
    return {
        "engine": bundle.manifest["engine"],
        "golden": len(bundle.manifest["golden"]),
        "load_ms": 1_000 * loaded,
        "latency_ms": 1_000 * statistics.median(times),
        "memory_mb": peak() / MB,
    }


def peak() -> int:
    """The most memory that this process has held, in bytes.

    Linux tells it of this program alone; elsewhere the figure may be that of the process that started it.
    """
    if _STATUS.exists():
        line = next(line for line in _STATUS.read_text().splitlines() if line.startswith(_PEAK))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _timed(bundle: ServingBundle, made: Engine) -> list[float]:
    names = [entry["name"] for entry in bundle.manifest["schema"]]
    rows = [tuple(row["inputs"][name] for name in names) for row in bundle.manifest["golden"]]
    found = []
    for number in range(ASKED):
        begun = time.perf_counter()
        made.scores([rows[number % len(rows)]])
        found.append(time.perf_counter() - begun)
    return found
