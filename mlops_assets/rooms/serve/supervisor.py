"""Starts the workers over one socket, starts a dead one again, and ends them in order."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Final

from mlops_assets.errors import StoreError
from mlops_assets.rooms.serve.access import Access, require_tokens_beyond_loopback
from mlops_assets.settings import Settings
from mlops_assets.stores.serving import ServingStore, in_force

HOST: Final = "127.0.0.1"
PORT: Final = 8000
FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 30.0
GRACE: Final = 15.0
MEMORY: Final = Path("/dev/shm")  # noqa: S108 - a folder of its own is made in it


@dataclass
class Supervisor:
    """The workers of one service.

    Attributes:
        bound: the socket that they share.
        home: whose models they serve.
        count: of workers.
        log: where they write; None: where the supervisor does.
    """

    bound: socket.socket
    home: Path
    count: int
    log: Path | None = None
    workers: list["subprocess.Popen[bytes]"] = field(default_factory=list)
    figures: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="mlops-metrics-", dir=_memory())))
    _pause: float = FIRST_PAUSE
    _not_before: float = 0.0

    @property
    def url(self) -> str:
        """Where the service listens."""
        host, port = self.bound.getsockname()[:2]
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"

    def start(self) -> None:
        """Start what is missing."""
        self.workers += [self._worker() for _ in range(self.count - len(self.workers))]

    def tend(self) -> None:
        """Start a dead worker again; one that dies at once, ever more slowly."""
        dead = [worker for worker in self.workers if worker.poll() is not None]
        if not dead:
            return
        for worker in dead:
            self.workers.remove(worker)
            with contextlib.suppress(OSError):
                _forget(self.figures, worker.pid)
        if time.monotonic() < self._not_before:
            time.sleep(self._pause)
            self._pause = min(2 * self._pause, LONGEST_PAUSE)
        else:
            self._pause = FIRST_PAUSE
        self._not_before = time.monotonic() + LONGEST_PAUSE
        self.start()

    def stop(self) -> None:
        """Let the workers end what they have begun, then end them."""
        for worker in self.workers:
            with contextlib.suppress(ProcessLookupError):
                worker.send_signal(signal.SIGTERM)
        until = time.monotonic() + GRACE
        for worker in self.workers:
            try:
                worker.wait(timeout=max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()
        self.bound.close()
        shutil.rmtree(self.figures, ignore_errors=True)

    def _worker(self) -> "subprocess.Popen[bytes]":
        told = json.dumps({"descriptor": self.bound.fileno(), "home": str(self.home)})
        environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(self.figures)}
        output = self.log.open("ab") if self.log else None
        try:
            return subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-m", "mlops_assets.rooms.serve.worker", told],
                pass_fds=[self.bound.fileno()],
                env=environment,
                stdout=output,
                stderr=output,
            )
        finally:
            if output is not None:
                output.close()


@contextmanager
def supervised(
    settings: Settings, *, host: str = HOST, port: int = PORT, workers: int | None = None, log: Path | None = None
) -> Iterator[Supervisor]:
    """Serve for as long as the block runs.

    Args:
        settings: of the home.
        host: to listen on; beyond loopback tokens are required.
        port: 0 for any that is free.
        workers: processes; left out: as many as the live bundles ask for.
        log: the workers' file.

    Raises:
        SpecError: others could reach the service without a token.
        StoreError: the port is taken.
    """
    require_tokens_beyond_loopback(host, Access(settings.serving))
    bound = _bound(host, port)
    supervisor = Supervisor(bound, settings.home, workers or _asked_for(settings), log)
    try:
        supervisor.start()
        yield supervisor
    finally:
        supervisor.stop()


@contextmanager
def tended(settings: Settings, *, port: int, log: Path) -> Iterator[Supervisor]:
    """Serve beside something else for as long as the block runs: a thread looks after the workers."""
    with supervised(settings, port=port, log=log) as running:
        ended = Event()

        def tend() -> None:
            while not ended.wait(0.2):
                running.tend()

        thread = Thread(target=tend, name="predictions", daemon=True)
        thread.start()
        try:
            yield running
        finally:
            ended.set()
            thread.join()


def _asked_for(settings: Settings) -> int:
    """The most workers that a live bundle asks for, or a stress test since has set."""
    store, asked = ServingStore(settings.serving), [1]
    for model in store.models():
        digest = store.released(model)
        if digest:
            asked.append(in_force(store.load(model, digest).manifest, store.settings(model))["workers"])
    return max(asked)


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
        bound.listen(2048)
    except OSError as error:
        bound.close()
        raise StoreError.of(f"cannot listen on {host}:{port}", got=error.strerror, step="give another --port") from None
    bound.set_inheritable(True)
    return bound


def _memory() -> str | None:
    """Where the workers count: in memory where a folder is that; a mapped file on a full disk would end them."""
    return str(MEMORY) if os.access(MEMORY, os.W_OK | os.X_OK) else None


def _forget(folder: Path, pid: int) -> None:
    """Take a dead worker's gauges away; its counters stay counted."""
    for path in folder.glob(f"gauge_live*_{pid}.db"):
        path.unlink()
