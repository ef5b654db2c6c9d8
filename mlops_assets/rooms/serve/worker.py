"""A worker process of the prediction service: uvicorn over a socket that its supervisor has bound."""

import asyncio
import contextlib
import gc
import json
import logging
import os
import shutil
import signal
import socket
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mlops_assets.errors import Damaged
from mlops_assets.rooms.serve.access import Access
from mlops_assets.rooms.serve.models import Models
from mlops_assets.rooms.serve.outbox import Outbox
from mlops_assets.rooms.serve.service import Service
from mlops_assets.settings import Settings

if TYPE_CHECKING:
    import uvicorn

KEEP_ALIVE: Final = 75
IDLE: Final = 15.0
"""Seconds in which a connection must have sent a whole request head."""
DRAIN: Final = 10
"""Seconds that requests under way have to end in."""


def main(descriptor: int, home: str) -> None:
    """Serve a bound socket until SIGTERM, or until the supervisor is gone."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(process)d %(message)s", stream=sys.stderr)
    os.environ.update({"OMP_NUM_THREADS": "1", "DO_NOT_TRACK": "1"})
    with asyncio.Runner(loop_factory=_loop()) as runner:
        runner.run(_serve(descriptor, replace(Settings.from_env(), home=Path(home))))


async def _serve(descriptor: int, settings: Settings) -> None:
    outbox = Outbox()
    models = Models(settings, outbox)
    await models.refresh()
    service = Service(models, Access(settings.serving))
    server = server_of(service, outbox)
    tasks = [asyncio.create_task(work) for work in (*models.chores(), _watch(server, service))]
    gc.collect()
    gc.freeze()  # what is loaded lives as long as the process: no collection looks at it again
    try:
        with socket.socket(fileno=descriptor) as bound:
            await server.serve(sockets=[bound])
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        models.close()


def server_of(application: Any, outbox: Outbox | None = None) -> "uvicorn.Server":
    """The server of an ASGI application: the service's own, and the bare hello's that it is measured against.

    Args:
        application: by ASGI.
        outbox: by which the application says what is to leave together, if it does.
    """
    import uvicorn

    from mlops_assets.rooms.serve.wire import Protocol

    config = uvicorn.Config(
        application,
        interface="asgi3",
        http=partial(Protocol, outbox=outbox or Outbox()),  # type: ignore[arg-type]  # uvicorn calls it, and no more
        proxy_headers=False,
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=DRAIN,
        backlog=2048,
    )
    return uvicorn.Server(config)


async def _watch(server: "uvicorn.Server", service: Service) -> None:
    """End slow readers and idle connections, and the process when its supervisor is gone."""
    parent, seen, unread = os.getppid(), {}, {}  # type: ignore[var-annotated]  # connection to what it was seen in, and when
    while True:
        await asyncio.sleep(1)
        _wake_readers(server.server_state.connections)
        with contextlib.suppress(OSError, Damaged):  # one that cannot be read leaves who may ask as it was
            service.access.follow()
        service.draining = server.should_exit
        if os.getppid() != parent and not server.should_exit:
            server.should_exit = True
            shutil.rmtree(os.environ.get("PROMETHEUS_MULTIPROC_DIR", ""), ignore_errors=True)
        seen = _close_idle(server.server_state.connections, seen)
        unread = _end_unread(server.server_state.connections, unread)


def _wake_readers(connections: Any) -> None:
    """Let those who wait for the rest of a body look at the clock, though nothing of it came."""
    for connection in list(connections):
        cycle = getattr(connection, "cycle", None)
        if cycle is not None and cycle.more_body and not cycle.response_complete:
            cycle.message_event.set()


def _close_idle(connections: Any, seen: dict[Any, float]) -> dict[Any, float]:
    """Close the connections whose request head has not come in time; uvicorn alone would wait for ever."""
    now, waiting = time.monotonic(), {}
    for connection in list(connections):
        cycle = getattr(connection, "cycle", None)
        timed = getattr(connection, "timeout_keep_alive_task", None) is not None
        if timed or (cycle is not None and not cycle.response_complete):
            continue
        since = seen.get(connection, now)
        if now - since > IDLE:
            with contextlib.suppress(OSError):
                connection.transport.close()
        else:
            waiting[connection] = since
    return waiting


def _end_unread(connections: Any, seen: dict[Any, tuple[int, float]]) -> dict[Any, tuple[int, float]]:
    """End the connections whose client has stopped to read its answers: to close them would wait for it for ever."""
    now, waiting = time.monotonic(), {}
    for connection in list(connections):
        size = connection.transport.get_write_buffer_size()
        if not size:
            continue
        before, since = seen.get(connection, (size, now))
        waiting[connection] = (size, since if size >= before else now)
        if now - waiting[connection][1] > IDLE:
            connection.transport.abort()
    return waiting


def _loop() -> Any:
    if sys.platform == "win32":
        return None
    import uvloop

    return uvloop.new_event_loop


def _end(*_: object) -> None:
    """In place of death by SIGTERM, to which uvicorn hands back when it is done: the logs are still to be sealed."""
    raise SystemExit(0)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the supervisor, which ends its workers in order
    main(**json.loads(sys.argv[1]))
