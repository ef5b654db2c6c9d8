"""The tables of docs/decisions_report.md, of the parts that `python -m benchmarks.decisions --into FOLDER` has kept.

`python -m benchmarks.report FOLDER` prints them, also of a run that is not over: each cell says how many windows it is
of.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.told import METHODS, POLICIES, by, false_alarms, figures, of, shifts, told

Row = dict[str, Any]
NULLS = {"iid": "rows one by one", "block": "weeks"}


def main() -> None:
    """Print them."""
    rows = [row for file in sorted(Path(sys.argv[1]).glob("*.json")) for row in json.loads(file.read_text())]
    for line in (*_rates(rows), "", *_shifts(rows), "", *_policies(of(rows, "regret")), ""):
        sys.stdout.write(f"{line}\n")
    sys.stdout.write("".join(f"{json.dumps(line)}\n" for line in told(rows) if "evidently_windows" in line))
    sys.stdout.write(f"{json.dumps(figures(rows))}\n")


def _rates(rows: list[Row]) -> Iterator[str]:
    yield from _head("stream", "order of", "rows of a window", "windows", "rang")
    for stream, mine in by(rows, "stream").items():
        for cell, rate in false_alarms(mine).items():
            null, size = cell.split()
            calm = [row for row in of(mine, "calm") if (row["null"], row["size"]) == (null, int(size))]
            count = len(calm) or sum(row["null"] == null for row in of(mine, "large"))
            yield f"| {stream} | {NULLS[null]} | {int(size):,} | {count} | {rate:.1%} |"


def _shifts(rows: list[Row]) -> Iterator[str]:
    yield from _head("stream", "shift", "AUC lost", "ours, stated", "ours", *METHODS[1:])
    for stream, mine in by(of(rows, "shifted"), "stream").items():
        for shift, found in shifts(mine).items():
            rang = " | ".join(f"{found[name]:.2f}" for name in ("stated", *METHODS))
            yield f"| {stream} | {shift.replace('_', ' ')} | {found['harm']:.3f} | {rang} |"


def _policies(rows: list[Row]) -> Iterator[str]:
    yield from _head("policy", *(row["stream"] for row in rows), "mean", "trainings after the first")
    for name in POLICIES:
        losses = [row[name] for row in rows]
        trained = sum(row.get(f"retrains_{name}", 0) for row in rows)
        cells = " | ".join(f"{loss:.4f}" for loss in (*losses, float(np.mean(losses))))
        yield f"| {name.replace('_', ' ')} | {cells} | {trained} |"
    for row in rows:
        yield f"\n{row['stream']}: saved a row against never {row['saved_low']:.4f} to {row['saved_high']:.4f}."
        yield from (f"  {policy}: {'; '.join(story)}" for policy, story in row["story"].items())


def _head(*names: str) -> Iterator[str]:
    yield f"| {' | '.join(names)} |"
    yield f"|{' --- |' * len(names)}"


if __name__ == "__main__":
    main()
