"""`mlops rollback`: back to a version that was champion before, in one command."""

from pathlib import Path
from typing import Any

import click


@click.command()
@click.argument("model")
@click.option("--to", type=int, default=0, help="The version; default: the one before this one.")
@click.option("--who", required=True, help="Who decides; it is recorded.")
@click.option("--role", default="", help="In which role.")
@click.option("--reason", required=True, help="Why; it is recorded.")
@click.option("--home", type=click.Path(path_type=Path), help="The folder that holds data/; default: here.")
def rollback(model: str, home: Path | None, **said: Any) -> None:
    """Take MODEL back to the version that was champion before."""
    from mlops_assets import keys
    from mlops_assets.cli import by_hand
    from mlops_assets.cli.history import told

    by_hand.run(home, model, keys.rollback_job(model), f"{model}_roll_back", said)
    click.echo(told(model))
