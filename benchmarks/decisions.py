"""Whether alarms keep their stated rate, see what harms, and ask for retraining when it pays: on three real streams.

`make bench-decisions` is short. `python -m benchmarks.decisions --medium` or `--long` repeats more; with
`--into FOLDER` each finished part is kept there, and a run that was stopped goes on where it was. The last line is the
figures; before it come one line a stream and one of how far our figures of Evidently's defaults are from its own.
"""

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.told import figures, told

SIZES = {"flights": (100, 1_000, 10_000), "rain": (100, 1_000, 3_000), "doctors": (100, 1_000, 3_000)}
NULLS = ("iid", "block")
JUDGED = 1_000
AT_ONCE = 25
"""Repetitions of one part."""


@dataclass(frozen=True)
class Length:
    """How much is repeated.

    Attributes:
        calm: windows a size and null.
        shifted: windows a shift and stream.
        large: windows of 50,000 rows a null.
        checked: windows that Evidently itself looks at, a stream.
    """

    calm: int
    shifted: int
    large: int
    checked: int


SHORT, MEDIUM, LONG = Length(10, 5, 0, 1), Length(50, 25, 0, 6), Length(200, 100, 200, 12)


@dataclass(frozen=True)
class Part:
    """One thing to be measured, in a process of its own.

    Attributes:
        kind: of what is measured.
        stream: on which.
        first: seed.
        count: of seeds.
        size: of a window.
        null: what calm means.
    """

    kind: str
    stream: str
    first: int = 0
    count: int = 1
    size: int = 0
    null: str = "block"

    @property
    def name(self) -> str:
        """Of its file."""
        return f"{self.kind}-{self.stream}-{self.null}-{self.size}-{self.first}-{self.count}.json"


def main() -> None:
    """Measure, and print the figures."""
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", DO_NOT_TRACK="1")
    length = LONG if "--long" in sys.argv else MEDIUM if "--medium" in sys.argv else SHORT
    if "--into" in sys.argv:
        found = measured(length, Path(sys.argv[sys.argv.index("--into") + 1]))
    else:
        with tempfile.TemporaryDirectory(prefix="mlops-decisions-") as folder:
            found = measured(length, Path(folder))
    for line in told(found):
        sys.stdout.write(f"{json.dumps(line)}\n")
    sys.stdout.write(f"{json.dumps(figures(found))}\n")


def measured(length: Length, folder: Path) -> list[dict[str, Any]]:
    """Every part's findings, each kept in the folder as it is done."""
    folder.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(2) as workers:
        found = list(workers.map(_kept, [(part, folder) for part in parts(length)]))
    return [row for rows in found for row in rows]


def parts(length: Length) -> Iterator[Part]:
    """All that is to be measured; a stream's parts follow each other, as its worker has it at hand."""
    for null in NULLS:
        yield from (Part("large", "flights", first, count, 0, null) for first, count in _cut(length.large))
    for stream, sizes in SIZES.items():
        yield Part("regret", stream)
        yield from (Part("shifted", stream, first, count, JUDGED) for first, count in _cut(length.shifted))
        for size in sizes:
            for null in NULLS:
                yield from (Part("calm", stream, first, count, size, null) for first, count in _cut(length.calm))
        yield Part("checked", stream, 0, length.checked, JUDGED)


def _cut(count: int) -> Iterator[tuple[int, int]]:
    return ((first, min(AT_ONCE, count - first)) for first in range(0, count, AT_ONCE))


def _kept(given: tuple[Part, Path]) -> list[dict[str, Any]]:
    part, folder = given
    file = folder / part.name
    if not file.exists():
        from benchmarks.measuring import KINDS

        rows = [{"kind": part.kind, "stream": part.stream, **row} for row in KINDS[part.kind](part)]
        done = file.with_suffix(".part")
        done.write_text(json.dumps(rows))
        done.rename(file)
    found: list[dict[str, Any]] = json.loads(file.read_text())
    return found


if __name__ == "__main__":
    main()
