"""`mlops serve`: every released model behind HTTP, without Dagster or MLflow in the process."""

import signal
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from mlops_assets.errors import SpecError


@click.command()
@click.option("--home", type=click.Path(path_type=Path), help="The folder that holds data/; default: here.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Beyond loopback tokens are required.")
@click.option("--port", default=8000, show_default=True, help="Of the service.")
@click.option("--workers", type=click.IntRange(1, 64), help="Processes; default: as mlops stress has found.")
@click.option("--issue", type=click.Choice(["predict", "feedback", "admin"]), help="Make a token, and end.")
@click.option("--lasts", help="How long the token that is issued holds, such as 90d; default: for ever.")
@click.option("--revoke", default="", help="End a token by its name, and end.")
@click.option("--tokens", "listed", is_flag=True, help="Tell the tokens by name, and end.")
def serve(home: Path | None, host: str, port: int, workers: int | None, **said: Any) -> None:
    """Serve the released models; a release or rollback changes what answers while it runs."""
    from mlops_assets.rooms.serve.supervisor import supervised
    from mlops_assets.settings import Settings

    settings = Settings(home.resolve()) if home else Settings.from_env()
    if said["issue"] or said["revoke"] or said["listed"]:
        _tokens(settings.serving, **said)
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


def _tokens(folder: Path, *, issue: str | None, lasts: str | None, revoke: str, listed: bool) -> None:
    from mlops_assets.cli.tables import show
    from mlops_assets.rooms.serve import tokens
    from mlops_assets.spec.base import duration

    if issue:
        try:
            held = duration(lasts)
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="--lasts") from error
        click.echo(tokens.issue(folder, issue, lasts=held if isinstance(held, timedelta) else None))
    if revoke:
        click.echo(f"token {tokens.revoke(folder, revoke).name} lets nobody in any more")
    if listed:
        show("Tokens", [{"name": each.name, "role": each.role, "state": each.state} for each in tokens.read(folder)])
