"""The whole year headless, once fresh and once more on the same home; and what loading the definitions costs.

Prints `year_s`, `year_peak_mb`, `again_s`, `again_materialized`, `import_extra_s` as its last line.
"""

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

_LOAD = "from mlops_assets.definitions import definitions; definitions().get_repository_def()"


def main() -> None:
    """Measure, and print the figures."""
    with tempfile.TemporaryDirectory(prefix="mlops-year-") as folder:
        home = Path(folder)
        year, year_s, peak_mb = _demo(home, "year.json")
        again, again_s, _ = _demo(home, "again.json")
    figures = {
        "year_s": round(year_s, 1),
        "year_peak_mb": round(peak_mb),
        "again_s": round(again_s, 2),
        "again_materialized": again["materialized"],
        "import_extra_s": round(_import_extra(), 3),
    }
    for month in year["months"]:
        sys.stdout.write(f"{json.dumps(month)}\n")
    sys.stdout.write(f"{json.dumps(figures)}\n")


def _demo(home: Path, name: str) -> tuple[dict[str, Any], float, float]:
    """Run the demo as its own process; its story, wall seconds and peak memory in MB."""
    story = home / name
    command = [sys.executable, "-m", "benchmarks.measured", str(home), str(story)]
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=sys.stderr)
    seconds = time.perf_counter() - began
    peak_kb = json.loads(story.with_suffix(".peak").read_text())
    found: dict[str, Any] = json.loads(story.read_text())
    return found, seconds, peak_kb / 1024


def _import_extra() -> float:
    """Seconds that loading the definitions takes beyond importing dagster: the median of pairs, interleaved."""
    pairs = [(_seconds(_LOAD), _seconds("import dagster")) for _ in range(5)]
    return statistics.median(ours - bare for ours, bare in pairs)


def _seconds(code: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)


if __name__ == "__main__":
    main()
