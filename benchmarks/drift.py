"""The alarm figures of a month against a year's reference, beside Evidently's own computation of the same columns.

Prints `vs_evidently`, `cpu_s`, `baseline_s`, `peak_mb`, `rows10m_peak_mb` as its last line. `cpu_s` is a window's:
its rows encoded and summed up, the thresholds of its size, its figures. `baseline_s` is to sum up the reference, once.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa

COLUMNS = 25
MONTH = 28_000
MANY = 10_000_000
CHUNK = 100_000
RATE = 0.05


def main() -> None:
    """Measure each in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="mlops-drift-") as folder:
        _alone("prepare", folder)
        ours, evidently, many = (_alone(part, folder) for part in ("ours", "evidently", "many"))
    figures = {
        "vs_evidently": round(evidently["cpu_s"] / ours["cpu_s"], 1),
        "cpu_s": round(ours["cpu_s"], 3),
        "baseline_s": round(ours["baseline_s"], 2),
        "evidently_cpu_s": round(evidently["cpu_s"], 2),
        "peak_mb": round(ours["peak_mb"]),
        "rows10m_peak_mb": round(many["peak_mb"]),
    }
    sys.stdout.write(f"{json.dumps(figures)}\n")


def _alone(part: str, folder: str) -> dict[str, float]:
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.drift", part, folder]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "DO_NOT_TRACK": "1"}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=environment)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _columns(x: "np.ndarray", score: "np.ndarray") -> "np.ndarray":
    """The score and as many numbers as make up the wanted columns."""
    more = [x[:, place] + np.roll(x[:, place], 7) for place in range(COLUMNS - 1 - x.shape[1])]
    return np.column_stack([x, *more, score])


def prepare(folder: str) -> dict[str, float]:
    """Write the year as a table."""
    import pyarrow.parquet as pq

    from benchmarks.streams import flights

    stream = flights()
    x = _columns(stream.x, np.zeros(len(stream.x)))[:, :-1]
    stream.columns = [f"x{place}" for place in range(COLUMNS - 1)]
    rows = stream.table(x, np.random.default_rng(0).beta(2, 5, len(x)), stream.day)
    pq.write_table(rows, f"{folder}/year.parquet")
    return {"rows": float(len(x))}


def ours(folder: str) -> dict[str, float]:
    """Our figures of the last month against the whole year."""
    import pyarrow.parquet as pq

    from mlops_assets.rooms.monitor.drift import baseline
    from mlops_assets.rooms.monitor.reference import Reference, chunks_of

    rows = pq.read_table(f"{folder}/year.parquet")
    reference = Reference({"features": _features(rows)}, rows, chunks_of(rows))
    began = time.process_time()
    base = baseline(rows, reference, MONTH)
    baseline_s = time.process_time() - began
    window = rows.slice(rows.num_rows - MONTH)
    began = time.process_time()
    base.thresholds(RATE)
    base.judge(base.encoding.codes(window))
    return {"baseline_s": baseline_s, "cpu_s": time.process_time() - began, "peak_mb": _peak()}


def _features(rows: "pa.Table") -> list[dict[str, str]]:
    names = [name for name in rows.column_names if name not in ("event_time", "score")]
    return [{"name": n, "kind": "category" if str(rows[n].type) == "string" else "number"} for n in names]


def evidently(folder: str) -> dict[str, float]:
    """Evidently's drift figures of the same columns, without drawing them."""
    import pandas as pd
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset

    rows = pd.read_parquet(f"{folder}/year.parquet").drop(columns="event_time")
    names = list(rows.columns)
    texts = [name for name in names if rows[name].dtype == object]
    definition = DataDefinition(numerical_columns=[n for n in names if n not in texts], categorical_columns=texts)
    began = time.process_time()
    here, there = (Dataset.from_pandas(part, data_definition=definition) for part in (rows[-MONTH:], rows))
    Report([DataDriftPreset()]).run(here, there)
    return {"cpu_s": time.process_time() - began, "peak_mb": _peak()}


def many(folder: str) -> dict[str, float]:
    """Ten million rows, summed up a chunk at a time."""
    import pyarrow.parquet as pq

    from mlops_assets.rooms.monitor.encoding import learn
    from mlops_assets.rooms.monitor.sums import add_up
    from mlops_assets.rooms.train.inputs import from_manifest

    rows = pq.read_table(f"{folder}/year.parquet").slice(0, CHUNK)
    encoding = learn(rows, from_manifest({"features": _features(rows)}))
    total, summed = np.zeros(1), 0
    while summed < MANY:
        codes = encoding.codes(rows)
        total = total + add_up(encoding, codes, np.zeros(len(codes), np.int64), 1).table()
        summed += rows.num_rows
    return {"peak_mb": _peak(), "rows": float(summed)}


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


PARTS = {"prepare": prepare, "ours": ours, "evidently": evidently, "many": many}

if __name__ == "__main__":
    if len(sys.argv) > 1:
        sys.stdout.write(f"{json.dumps(PARTS[sys.argv[1]](sys.argv[2]))}\n")
    else:
        main()
