"""A real service over a home of its own, and a client that keeps its connection."""

import http.client
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mlops_assets.rooms.release import bundle
from mlops_assets.rooms.serve.supervisor import Supervisor, supervised
from mlops_assets.rooms.train.candidates import logistic
from mlops_assets.settings import Settings
from mlops_assets.stores.serving import ServingStore
from mlops_assets_tests.rooms import trips
from mlops_assets_tests.rooms.release.bundles import Builder, trained

MODEL = "late_trips"
PREDICT = f"/v1/models/{MODEL}:predict"
BATCH = f"/v1/models/{MODEL}:predictBatch"
ROW = {"distance": 1.5, "rain": 0.5, "noise": 0.0, "carrier": "AA", "origin": "EWR"}


@dataclass(frozen=True)
class Answer:
    """What a server said."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def release(home: Path, number: int = 1, builder: Builder = logistic, **serve: Any) -> str:
    """Make a version of late_trips the one that is served; its digest."""
    store = ServingStore(Settings(home).serving)
    digest = bundle.put(store, trained(builder, number), trips.plan(serve=serve), card=f"<h1>card {number}</h1>")
    store.release(MODEL, digest, evidence=f"verdict {number}")
    return digest


@contextmanager
def service(home: Path, workers: int = 1) -> Iterator[Supervisor]:
    """Serve a home on any free port, from the moment that it answers."""
    with supervised(Settings(home), port=0, workers=workers, log=home / "serve.log") as running:
        until_answers(running)
        yield running


def until_answers(running: Supervisor) -> None:
    """Wait for the first worker: the socket takes connections before it."""
    assert ask(running.url, "/healthz", timeout=60).status == 200


def ask(
    url: str,
    path: str,
    body: Any = None,
    *,
    kind: str = "application/json",
    headers: Mapping[str, str] | None = None,
    method: str = "",
    timeout: float = 30,
) -> Answer:
    """One request on a connection of its own; a body that is no bytes goes as JSON."""
    found = urlsplit(url)
    connection = http.client.HTTPConnection(found.hostname or "", found.port, timeout=timeout)
    content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    sent = {**({"Content-Type": kind} if content is not None else {}), **(headers or {})}
    try:
        connection.request(method or ("GET" if content is None else "POST"), path, content, sent)
        answer = connection.getresponse()
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
    finally:
        connection.close()
