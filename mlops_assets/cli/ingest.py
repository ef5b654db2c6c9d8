"""`mlops ingest`: the endpoint to which the rows of streams are posted, until Ctrl-C."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import click

from mlops_assets.errors import MlopsError, SpecError

if TYPE_CHECKING:
    from uvicorn import Server

HOST = "127.0.0.1"
PORT = 3002


@click.command()
@click.option("--home", type=click.Path(path_type=Path), help="The folder that holds data/; default: here.")
@click.option("--host", default=HOST, show_default=True, help="Who may post: loopback alone, unless you say otherwise.")
@click.option("--port", default=PORT, show_default=True, help="Of the endpoint.")
@click.option("--body-mb", default=8, show_default=True, help="The largest body that is taken.")
def ingest(home: Path | None, host: str, port: int, body_mb: int) -> None:
    """Take rows as JSON lines: POST /ingest/DATASET, for each dataset whose source is a stream."""
    from mlops_assets.cli.home import prepare

    settings, streams = prepare(home), streamed()
    if not streams:
        raise SpecError.of("no dataset is a stream", step="declare one: source: {stream: true}")
    server = _server(settings.home, host, port, body_mb * 1_000_000)
    for name in streams:
        click.echo(f"POST http://{host}:{port}/ingest/{name}")
    server.run()


def streamed() -> list[str]:
    """The declared datasets whose source is a stream."""
    from mlops_assets.cli.datasets import datasets

    return [name for name, plan in datasets().items() if plan.dataset.source.stream]


@contextmanager
def ingesting(home: Path, port: int) -> Iterator[str]:
    """Run the endpoint on loopback in a thread while the block runs, and give its URL; empty where nothing streams.

    Raises:
        MlopsError: it could not start.
    """
    if not streamed():
        yield ""
        return
    server = _server(home, HOST, port)
    thread = Thread(target=server.run, name="ingest", daemon=True)
    thread.start()
    try:
        while not server.started:
            thread.join(0.05)
            if not thread.is_alive():
                raise MlopsError.of("the ingest endpoint did not start", got=f"port {port}", step="free the port")
        yield f"http://{HOST}:{port}/ingest/"
    finally:
        server.should_exit = True
        thread.join()


def _server(home: Path, host: str, port: int, body_bytes: int | None = None) -> "Server":
    from uvicorn import Config, Server

    from mlops_assets.cli.datasets import datasets
    from mlops_assets.rooms.ingest.service import BODY_BYTES, app

    declared = [plan.dataset for plan in datasets().values()]
    application = app(declared, home, body_bytes=body_bytes or BODY_BYTES)
    return Server(Config(application, host=host, port=port, log_level="warning", access_log=False))
