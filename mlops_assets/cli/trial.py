"""`mlops trial`: a version in the champion's shadow, or as a canary, without a release."""

from pathlib import Path
from typing import Any

import click


@click.command()
@click.argument("model")
@click.option("--version", type=int, default=0, help="Which one is tried; a refused one may be.")
@click.option("--mode", type=click.Choice(["shadow", "canary"]), default="shadow", show_default=True)
@click.option("--share", type=float, default=0.0, help="0.01 to 0.1; default: as traffic and power suggest.")
@click.option("--stop", is_flag=True, help="End the trials.")
@click.option("--home", type=click.Path(path_type=Path), help="The folder that holds data/; default: here.")
def trial(model: str, home: Path | None, **said: Any) -> None:
    """Try a version of MODEL beside its champion; a running service takes it up at once."""
    from mlops_assets import keys
    from mlops_assets.cli import by_hand
    from mlops_assets.resources.stores import Stores

    if not said["version"] and not said["stop"]:
        raise click.UsageError("say which: --version N, or --stop")
    by_hand.run(home, model, keys.trial_job(model), f"{model}_try", said)
    live = Stores().serving().live(model)
    if live is None or not live.challengers:
        click.echo(f"{model}: only the champion answers")
    else:
        click.echo(f"{model}: version {said['version']} is tried as {live.mode}, {live.share:.2%} of the questions")
