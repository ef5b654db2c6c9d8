"""Load on a private instance of a served model: so many clients at once, each asking again when it is answered."""

import asyncio
import json
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from typing import Final

from mlops_assets.rooms.serve.supervisor import supervised
from mlops_assets.settings import Settings
from mlops_assets.stores.serving import ServingStore

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


def sweep(
    store: ServingStore, model: str, digest: str, workers: int, *, levels: Sequence[int], seconds: float
) -> list[Level]:
    """Load a private instance of a bundle with ever more connections.

    Args:
        store: that has the bundle.
        model: name.
        digest: of the bundle.
        workers: processes.
        levels: connections at once, one level after another.
        seconds: a level.
    """
    question = json.dumps({"inputs": store.load(model, digest).manifest["golden"][0]["inputs"]}).encode()
    with tempfile.TemporaryDirectory(prefix="mlops-stress-") as name:
        settings = Settings(Path(name))
        private = ServingStore(settings.serving)
        shutil.copytree(store.root / model / digest, private.root / model / digest)
        private.release(model, digest, evidence="stress")
        private.set(model, WIDE)
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
        f"POST /v1/models/{model}:predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(question)}\r\n\r\n"
    )
    return head.encode() + question
