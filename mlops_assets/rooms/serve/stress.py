"""Where a served model bends and where it breaks: load is swept against a private instance, and its limits are set."""

import asyncio
import json
import os
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import quantiles
from typing import TYPE_CHECKING, Any, Final

from mlops_assets.errors import NotFound
from mlops_assets.rooms.serve.supervisor import supervised
from mlops_assets.settings import Settings

if TYPE_CHECKING:
    from mlops_assets.stores.serving import ServingStore

LEVELS: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256)
SECONDS: Final = 1.5
KNEE: Final = 0.9
"""Of the largest throughput: fewer connections than that reach it are the knee."""
GAIN: Final = 1.15
"""More throughput than that a further worker must bring."""
WIDE: Final = {"in_flight": 100_000, "batch_size": 256}
_REPLY_END: Final = b"\r\n\r\n"


@dataclass(frozen=True)
class Level:
    """What so many connections at once have shown.

    Attributes:
        workers: of the instance.
        connections: each asks again as soon as it is answered.
        throughput: answers a second.
        p50_ms: of the time for an answer.
        p99_ms: of the same.
        errors: answers other than 200, and connections that broke.
    """

    workers: int
    connections: int
    throughput: float
    p50_ms: float
    p99_ms: float
    errors: int


@dataclass(frozen=True)
class Stress:
    """A sweep, and what follows from it.

    Attributes:
        levels: by workers and connections.
        knee: the fewest connections that nearly reach the largest throughput.
        first_error: the first level with an error; None when there was none.
        settings: workers, batch size and in-flight limit.
    """

    levels: tuple[Level, ...]
    knee: Level
    first_error: Level | None
    settings: dict[str, int]

    def body(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def stress(store: "ServingStore", model: str, *, levels: Sequence[int] = LEVELS, seconds: float = SECONDS) -> Stress:
    """Sweep load against a private instance of the live bundle, and keep the settings that follow.

    Raises:
        NotFound: the model was never released.
    """
    digest = store.released(model)
    if not digest:
        raise NotFound.of(f"model '{model}' was never released", step="release it first")
    question = json.dumps({"inputs": store.load(model, digest).manifest["golden"][0]["inputs"]}).encode()
    found: list[Level] = []
    for workers in range(1, (os.cpu_count() or 1) + 1):
        swept = _sweep(store, model, question, workers, levels=levels, seconds=seconds)
        if found and _best(swept) < GAIN * _best(found):
            found += swept
            break
        found += swept
    judged = concluded(found)
    store.set(model, judged.settings)
    return judged


def concluded(levels: Sequence[Level]) -> Stress:
    """The knee, the first error, and the settings: measured, with room for twice the knee before anyone is refused."""
    count = len({level.workers for level in levels})
    chosen = 1
    for workers in range(2, count + 1):
        if _best(_of(levels, workers)) >= GAIN * _best(_of(levels, chosen)):
            chosen = workers
    own = [level for level in _of(levels, chosen) if not level.errors] or _of(levels, chosen)
    best = _best(own)
    knee = next(level for level in own if level.throughput >= KNEE * best)
    first = next((level for level in _of(levels, chosen) if level.errors), None)
    room = 4 * knee.connections if first is None else min(4 * knee.connections, max(1, first.connections // 2))
    batch = max(16, min(256, 1 << (knee.connections - 1).bit_length()))
    settings = {"workers": chosen, "batch_size": batch, "in_flight": max(16, room)}
    return Stress(tuple(levels), knee, first, settings)


def _of(levels: Sequence[Level], workers: int) -> list[Level]:
    return [level for level in levels if level.workers == workers]


def _best(levels: Sequence[Level]) -> float:
    return max(level.throughput for level in levels)


def _sweep(
    store: "ServingStore", model: str, question: bytes, workers: int, *, levels: Sequence[int], seconds: float
) -> list[Level]:
    with tempfile.TemporaryDirectory(prefix="mlops-stress-") as name:
        settings = Settings(Path(name))
        shutil.copytree(store.root / model, settings.serving / model)
        shutil.copyfile(store.root / ".key", settings.serving / ".key")
        (settings.serving / model / "settings.json").write_text(json.dumps(WIDE))
        with supervised(settings, port=0, workers=workers, log=Path(name) / "log") as running:
            address = running.bound.getsockname()[:2]
            request = _request(model, question)
            asyncio.run(_load(address, request, workers, 1.0))  # until all are warm
            return [_level(workers, level, asyncio.run(_load(address, request, level, seconds))) for level in levels]


def _level(workers: int, connections: int, found: tuple[list[float], int, float]) -> Level:
    took, errors, seconds = found
    cuts = quantiles(took, n=100) if len(took) > 1 else [0.0] * 99
    return Level(workers, connections, len(took) / seconds, cuts[49] * 1e3, cuts[98] * 1e3, errors)


async def _load(
    address: tuple[str, int], request: bytes, connections: int, seconds: float
) -> tuple[list[float], int, float]:
    took: list[float] = []
    began = time.perf_counter()
    until = began + seconds
    errors = await asyncio.gather(*(_client(address, request, until, took) for _ in range(connections)))
    return took, sum(errors), time.perf_counter() - began


async def _client(address: tuple[str, int], request: bytes, until: float, took: list[float]) -> int:
    """Ask without a pause on one connection; how often it went wrong."""
    errors = 0
    while time.perf_counter() < until:
        try:
            reader, writer = await asyncio.wait_for(asyncio.open_connection(*address), 60)
            while (began := time.perf_counter()) < until:
                writer.write(request)
                head = await reader.readuntil(_REPLY_END)
                await reader.readexactly(_length(head))
                if head.startswith(b"HTTP/1.1 200"):
                    took.append(time.perf_counter() - began)
                else:
                    errors += 1
            writer.close()
        except (OSError, asyncio.IncompleteReadError, TimeoutError):
            errors += 1
    return errors


def _length(head: bytes) -> int:
    lowered = head.lower()
    start = lowered.index(b"content-length:") + len(b"content-length:")
    return int(lowered[start : lowered.index(b"\r\n", start)])


def _request(model: str, question: bytes) -> bytes:
    head = (
        f"POST /v1/models/{model}:predict HTTP/1.1\r\nHost: stress\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(question)}\r\n\r\n"
    )
    return head.encode() + question


def page(model: str, found: Stress) -> str:
    """The curve, the knee and the settings as a page."""
    from base64 import b64encode

    from mlops_assets.rooms.evaluate.tables import table_html
    from mlops_assets.rooms.serve.reports import page as whole

    first = "none" if found.first_error is None else f"at {found.first_error.connections} connections"
    told = [
        ("knee", f"{found.knee.connections} connections, {found.knee.throughput:,.0f} answers a second"),
        ("there", f"p50 {found.knee.p50_ms:.2f} ms, p99 {found.knee.p99_ms:.2f} ms"),
        ("first error", first),
        *((name.replace("_", " "), str(value)) for name, value in found.settings.items()),
    ]
    picture = f"<img alt='the curve' src='data:image/png;base64,{b64encode(curve(found)).decode()}'>"
    rows = [[str(round(value, 2)) for value in asdict(level).values()] for level in found.levels]
    head = [name.replace("_", " ") for name in asdict(found.levels[0])]
    return whole(
        f"{model}: where the prediction service bends", [table_html((), told), picture, table_html(head, rows)]
    )


def curve(found: Stress) -> bytes:
    """Throughput and p99 by connections as a small PNG."""
    from io import BytesIO

    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 2.4), dpi=80, layout="constrained")
    left, right = figure.subplots(1, 2)
    for workers in sorted({level.workers for level in found.levels}):
        own = _of(found.levels, workers)
        at, label = [level.connections for level in own], f"{workers} worker{'s' * (workers > 1)}"
        left.plot(at, [level.throughput for level in own], marker=".", label=label)
        right.plot(at, [level.p99_ms for level in own], marker=".", label=label)
    left.axvline(found.knee.connections, linewidth=0.8, linestyle=":")
    left.set_title("answers a second, by connections", fontsize=8)
    right.set_title("p99, ms", fontsize=8)
    for axes in (left, right):
        axes.set_xscale("log", base=2)
        axes.set_ylim(bottom=0)
        axes.tick_params(labelsize=6)
        axes.legend(fontsize=6)
    png = BytesIO()
    figure.savefig(png, format="png")
    return png.getvalue()
