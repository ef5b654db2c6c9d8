"""The alarm figures of a month against a year's reference, beside Evidently's own computation of the same columns.

Prints `vs_evidently`, `cpu_s`, `peak_mb`, `rows10m_peak_mb` as its last line. `cpu_s` is all that a window takes in a
process that finds the reference summed up: reading that, encoding, thresholds, faults, figures. `baseline_s` and
`baseline_peak_mb` are of summing up the reference, once a model.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from mlops_assets.rooms.monitor.reference import Reference

COLUMNS = 25
MONTH = 28_000
MANY = 10_000_000
GROUP = 32_768


def main() -> None:
    """Measure each in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="mlops-drift-") as folder:
        _alone("prepare", folder)
        baseline, ours, evidently, many = (_alone(part, folder) for part in ("baseline", "ours", "evidently", "many"))
    figures = {
        "vs_evidently": round(evidently["cpu_s"] / ours["cpu_s"], 1),
        "cpu_s": round(ours["cpu_s"], 3),
        "baseline_s": round(baseline["cpu_s"], 2),
        "evidently_cpu_s": round(evidently["cpu_s"], 2),
        "peak_mb": round(ours["peak_mb"]),
        "baseline_peak_mb": round(baseline["peak_mb"]),
        "rows10m_cpu_s": round(many["cpu_s"], 1),
        "rows10m_peak_mb": round(many["peak_mb"]),
    }
    sys.stdout.write(f"{json.dumps(figures)}\n")


def _alone(part: str, folder: str) -> dict[str, float]:
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.drift", part, folder]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "DO_NOT_TRACK": "1"}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=environment)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def prepare(folder: str) -> dict[str, float]:
    """Write the year, its last month, and ten million rows: the year again and again, in the order of time."""
    import pyarrow.parquet as pq

    from benchmarks.streams import flights

    stream = flights()
    x = _columns(stream.x, np.zeros(len(stream.x)))[:, :-1]
    stream.columns = [f"x{place}" for place in range(COLUMNS - 1)]
    rows = stream.table(x, np.random.default_rng(0).beta(2, 5, len(x)), stream.day)
    pq.write_table(rows, f"{folder}/year.parquet", row_group_size=GROUP)
    pq.write_table(rows.slice(len(x) - MONTH), f"{folder}/month.parquet")
    repeats = -(-MANY // len(x))
    with pq.ParquetWriter(f"{folder}/many.parquet", rows.schema) as writer:
        for start in range(0, len(x), GROUP // repeats):
            part = rows.slice(start, GROUP // repeats)
            places = np.repeat(np.arange(part.num_rows), repeats)
            writer.write_table(part.take(places))
    return {"rows": float(len(x))}


def _columns(x: "np.ndarray", score: "np.ndarray") -> "np.ndarray":
    """The score and as many numbers as make up the wanted columns."""
    more = [x[:, place] + np.roll(x[:, place], 7) for place in range(COLUMNS - 1 - x.shape[1])]
    return np.column_stack([x, *more, score])


def baseline(folder: str) -> dict[str, float]:
    """Sum up the year, a column and a piece at a time, and keep it."""
    from mlops_assets.rooms.monitor.summary import summary

    began = time.process_time()
    summary(_year(folder), MONTH, held=_cache(folder))
    return _measured(began)


def ours(folder: str) -> dict[str, float]:
    """Our figures of the last month against the whole year; imports are not counted, on neither side."""
    import pandas  # noqa: F401, ICN001
    import pyarrow.parquet as pq
    import scipy.special  # noqa: F401

    from mlops_assets.rooms.monitor.drift import drift

    window, known = pq.read_table(f"{folder}/month.parquet"), _year(folder)
    began = time.process_time()
    drift(window, known, held=_cache(folder))
    return _measured(began)


def many(folder: str) -> dict[str, float]:
    """The figures of ten million rows against the year, read a piece at a time."""
    from mlops_assets.rooms.monitor.drift import drift
    from mlops_assets.rooms.monitor.stored import Stored

    began = time.process_time()
    window = Stored(Path(folder) / "many.parquet")
    drift(window, _year(folder), held=_cache(folder))
    return {**_measured(began), "rows": float(window.num_rows)}


def evidently(folder: str) -> dict[str, float]:
    """Evidently's drift figures of the same columns, without drawing them."""
    import pandas as pd
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset

    there, here = (pd.read_parquet(f"{folder}/{name}.parquet").drop(columns="event_time") for name in ("year", "month"))
    names = list(there.columns)
    texts = [name for name in names if there[name].dtype == object]
    definition = DataDefinition(numerical_columns=[n for n in names if n not in texts], categorical_columns=texts)
    began = time.process_time()
    current, known = (Dataset.from_pandas(rows, data_definition=definition) for rows in (here, there))
    Report([DataDriftPreset()]).run(current, known)
    return _measured(began)


def _year(folder: str) -> "Reference":
    import pyarrow.parquet as pq

    from mlops_assets.rooms.monitor.reference import Reference, chunks_of
    from mlops_assets.rooms.monitor.stored import Stored

    rows: Any = Stored(Path(folder) / "year.parquet")
    schema = pq.read_schema(f"{folder}/year.parquet")
    named = [
        {"name": name, "kind": "category" if str(schema.field(name).type) == "string" else "number"}
        for name in schema.names
        if name not in ("event_time", "score")
    ]
    return Reference({"model": "year", "features": named}, rows, chunks_of(rows), digest="year")


def _cache(folder: str) -> Any:
    from mlops_assets.stores.cache import FolderCache

    return FolderCache(Path(folder) / "cache")


def _measured(began: float) -> dict[str, float]:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"cpu_s": time.process_time() - began, "peak_mb": peak}


PARTS = {"prepare": prepare, "baseline": baseline, "ours": ours, "evidently": evidently, "many": many}

if __name__ == "__main__":
    if len(sys.argv) > 1:
        sys.stdout.write(f"{json.dumps(PARTS[sys.argv[1]](sys.argv[2]))}\n")
    else:
        main()
