"""`mlops serve`: every released model behind HTTP, without Dagster or MLflow in the process."""

import signal
import time
from pathlib import Path

import click

from mlops_assets.errors import SpecError


@click.command()
@click.option("--home", type=click.Path(path_type=Path), help="The folder that holds data/; default: here.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Beyond loopback tokens are required.")
@click.option("--port", default=8000, show_default=True, help="Of the service.")
@click.option("--workers", type=click.IntRange(1, 64), help="Processes; default: as mlops stress has found.")
@click.option("--issue", type=click.Choice(["predict", "feedback", "admin"]), help="Make a token, and end.")
def serve(home: Path | None, host: str, port: int, workers: int | None, issue: str | None) -> None:
    """Serve the released models; a release or rollback changes what answers while it runs."""
    from mlops_assets.rooms.serve import access
    from mlops_assets.rooms.serve.supervisor import supervised
    from mlops_assets.settings import Settings

    settings = Settings(home.resolve()) if home else Settings.from_env()
    if issue:
        click.echo(access.issue(settings.serving, issue))
        return
    if not settings.home.is_dir():
        raise SpecError.of("no such home", got=settings.home, step="mlops demo, or give another --home")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with supervised(settings, host=host, port=port, workers=workers) as running:
        click.echo(f"Predictions: {running.url}  (docs: {running.url}/docs)\nCtrl-C ends it.")
        try:
            while True:
                time.sleep(0.2)
                running.tend()
        except KeyboardInterrupt:
            click.echo("ending what was begun")
