"""Validating and splitting, beside plain DuckDB and beside pandera on pandas; and ten million rows in bounded memory.

`validate_vs_duckdb` is the whole path as a user gets it: read the landed file, judge it by the flights' whole contract
with its Python checks, split it, and write clean and quarantine as versions of the lake, fingerprints and commits
included; over DuckDB that reads the same Parquet file and copies it to another. A line of its own tells it with CSV,
and with both tables copied to Parquet by DuckDB itself. `vs_pandera_pandas` has both write by pyarrow.

Prints `validate_vs_duckdb`, `vs_pandera_pandas`, `rows10m_peak_mb`, `rows10m_s` as its last line.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_assets import keys
from mlops_assets.spec.dataset import Dataset

if TYPE_CHECKING:
    from mlops_assets.rooms.validate.split import Split

ROUNDS = 5
MILLION = 1_000_000


def main(*arguments: str) -> None:
    """Measure, and print the figures; with a number of rows, only split that many, for a process of its own."""
    if arguments:
        _print(_large(int(arguments[0]), Path(arguments[1])))
        return
    with tempfile.TemporaryDirectory(prefix="mlops-data-") as folder:
        year, text = _year(Path(folder))
        tasks: dict[str, Callable[[], object]] = {
            "duckdb": lambda: _duckdb(year),
            "lake": lambda: _lake(year),
            "copied": lambda: _copied(year),
            "duckdb_csv": lambda: _duckdb(text),
            "lake_csv": lambda: _lake(text),
            "split": lambda: _split(year),
            "pandera": lambda: _pandera(year),
        }
        found = dict(zip(tasks, _side_by_side(*tasks.values()), strict=True))
        ratios = {name: _ratio(found[name], found["duckdb"]) for name in ("lake", "copied")}
        ratios["lake_csv"] = _ratio(found["lake_csv"], found["duckdb_csv"])
        _print({f"{name}_s": round(statistics.median(each), 3) for name, each in found.items()})
        _print({f"{name}_vs_duckdb": ratio for name, ratio in ratios.items()})
        rows = [_alone(count, Path(folder)) for count in (MILLION, 5 * MILLION, 10 * MILLION)]
    for each in rows:
        _print(each)
    figures = {
        "validate_vs_duckdb": _ratio(found["lake"], found["duckdb"]),
        "vs_pandera_pandas": _ratio(found["split"], found["pandera"]),
        "rows10m_peak_mb": rows[-1]["peak_mb"],
        "rows10m_s": rows[-1]["seconds"],
    }
    _print(figures)


def _ratio(ours: list[float], theirs: list[float]) -> float:
    """The median of what was measured side by side."""
    return round(statistics.median(a / b for a, b in zip(ours, theirs, strict=True)), 2)


def _side_by_side(*tasks: Callable[[], object]) -> list[list[float]]:
    """Wall seconds of each task, in turns, after a round that warms up."""
    found: list[list[float]] = [[] for _ in tasks]
    for number in range(ROUNDS + 1):
        for task, seconds in zip(tasks, found, strict=True):
            began = time.perf_counter()
            task()
            if number:
                seconds.append(time.perf_counter() - began)
    return found


def _year(folder: Path) -> tuple[Path, Path]:
    """The whole year's flights, as Parquet and as CSV."""
    import duckdb
    import pyarrow.parquet as pq

    from mlops_assets.defs.flight_delays.source import flights

    file = folder / "2013.parquet"
    pq.write_table(flights(), file)
    duckdb.connect().execute(f"copy (from read_parquet('{file}')) to '{file.with_suffix('.csv')}'")
    return file, file.with_suffix(".csv")


def _duckdb(year: Path) -> None:
    """What reading and writing the file costs by itself."""
    import duckdb

    duckdb.connect().execute(f"copy (from '{year}') to '{year.parent / 'plain.parquet'}'")


def _judged(year: Path) -> "Split":
    """Read a landed file as the platform does, and judge it by the flights' whole contract with its Python checks."""
    from mlops_assets.defs.flight_delays.contract import Flights
    from mlops_assets.rooms.ingest.readers import read
    from mlops_assets.rooms.validate.pandera_models import from_pandera
    from mlops_assets.rooms.validate.split import split

    declared = {"name": "flights", "source": {"files": "x"}, "key": ("flight_id",), "event_time": "scheduled_departure"}
    dataset = Dataset.model_validate({**declared, "period": {"every": "year", "timezone": "America/New_York"}})
    return split(read(year), from_pandera(Flights), dataset, "2013")


def _lake(year: Path) -> None:
    """The whole path: from a landed file to a version of clean and one of quarantine, in a fresh lake."""
    from mlops_assets.stores.delta import DeltaLake

    found = _judged(year)
    with tempfile.TemporaryDirectory(dir=year.parent) as folder:
        lake = DeltaLake(Path(folder))
        lake.write("flights/clean", found.clean, batch="2013")
        lake.write("flights/quarantine", found.quarantine, batch="2013")


def _copied(year: Path) -> None:
    """As `_lake`, with DuckDB's own writer for both tables."""
    import duckdb

    found, connection = _judged(year), duckdb.connect()
    for name, rows in (("clean", found.clean), ("quarantine", found.quarantine)):
        connection.register(name, rows)
        connection.execute(f"copy (from {name}) to '{year.parent / f'{name}.parquet'}'")


def _split(year: Path) -> None:
    """As `_lake`, with the writer that pandas has."""
    import pyarrow.parquet as pq

    found = _judged(year)
    pq.write_table(found.clean, year.parent / "clean.parquet")
    pq.write_table(found.quarantine, year.parent / "quarantine.parquet")


def _pandera(year: Path) -> None:
    """The same contract by pandera itself on pandas: it says which rows fail, and splits them by their index."""
    import pandas as pd
    import pandera.errors

    from mlops_assets.defs.flight_delays.contract import Flights

    rows = pd.read_parquet(year)
    for name, column in Flights.to_schema().columns.items():
        if str(column.dtype) == "Int64":
            rows[name] = rows[name].astype("Int64")
    bad: set[int] = set()
    try:
        Flights.validate(rows, lazy=True)
    except pandera.errors.SchemaErrors as failures:
        bad = {int(row) for row in failures.failure_cases["index"].dropna()}
    refused = rows.index.isin(bad)
    rows[~refused].to_parquet(year.parent / "clean.parquet")
    rows[refused].to_parquet(year.parent / "quarantine.parquet")


def _alone(rows: int, folder: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.data", str(rows), str(folder / str(rows))]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    found: dict[str, float] = json.loads(answer.splitlines()[-1])
    return found


def _large(rows: int, home: Path) -> dict[str, float]:
    """Validate one batch of so many rows, a hundredth of them bad, from the lake into the lake."""
    from mlops_assets.rooms.validate.batch import validate_batch
    from mlops_assets.spec.plan import DatasetPlan
    from mlops_assets.stores import sql
    from mlops_assets.stores.delta import DeltaLake

    lake = DeltaLake(home / "data/lake")
    made = f"""select i as id, timestamptz '2024-01-01' + to_seconds(i % 31536000) as at, i % 997 as a,
        i % 12 + 1 as month, (i * 7919 % 100000) / 1000.0 as x,
        case when i % 100 = 0 then -1.0 else (i % 1000) / 10.0 end as y, 'carrier ' || i % 20 as carrier,
        'N' || i % 4000 as tail, i % 3 = 0 as flag, i // 1000 as block from range({rows}) t(i)"""
    with sql.connect("500MB") as connection:
        lake.write(keys.raw_table("trips", "one"), connection.sql(made), batch="one")
    _contract(home)
    declared = {"name": "trips", "source": {"files": "x"}, "key": ("id",), "quarantine": {"max_share": 0.05}}
    began = time.perf_counter()
    found = validate_batch(lake, DatasetPlan(Dataset.model_validate(declared)), "one", home)
    seconds = time.perf_counter() - began
    if not found.conserved or found.quarantined != rows // 100:
        raise RuntimeError(found.account)
    return {"rows": rows, "seconds": round(seconds, 1), "peak_mb": round(_peak_mb())}


def _peak_mb() -> float:
    """Of this process alone: `getrusage` would begin with what its parent held when it was forked."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def _contract(home: Path) -> None:
    kinds = {"id": "BIGINT", "at": "TIMESTAMPTZ", "a": "BIGINT", "month": "BIGINT", "x": "DOUBLE", "y": "DOUBLE"}
    kinds |= {"carrier": "VARCHAR", "tail": "VARCHAR", "flag": "BOOLEAN", "block": "BIGINT"}
    checks = {
        "month": ("in_range", 1, 12),
        "x": ("in_range", 0, 100),
        "y": ("in_range", 0, 100),
        "a": ("in_range", 0, 996),
    }
    lines = ["columns:"]
    for name, kind in kinds.items():
        lines.append(f"  - name: {name}\n    type: {kind}\n    nullable: false")
        if name in checks:
            check, low, high = checks[name]
            lines.append(f"    checks: {{{check}: {{min_value: {low}, max_value: {high}}}}}")
    file = home / "data/contracts/trips.contract.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(lines) + "\n")


def _print(figures: object) -> None:
    sys.stdout.write(f"{json.dumps(figures)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
