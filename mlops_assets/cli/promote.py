"""`mlops promote`: release what the newest verdict accepts; or, by name and for a time, what it does not."""

from pathlib import Path
from typing import Any

import click


@click.command()
@click.argument("model")
@click.option("--version", type=int, default=0, help="The version; default: the one that the newest verdict is about.")
@click.option("--override", is_flag=True, help="Against the verdict, or without one.")
@click.option("--who", default="", help="Who decides; an override needs it.")
@click.option("--role", default="", help="In which role.")
@click.option("--reason", default="", help="Why; an override needs it.")
@click.option("--expires", default="", help="How long an override stands, such as 14d; it needs one.")
@click.option("--home", type=click.Path(path_type=Path), help="The folder that holds data/; default: here.")
def promote(model: str, home: Path | None, expires: str, **said: Any) -> None:
    """Release a version of MODEL: with its verdict, or by a person's name."""
    from datetime import timedelta

    from mlops_assets import keys
    from mlops_assets.cli import by_hand
    from mlops_assets.cli.history import told
    from mlops_assets.errors import NoVerdict
    from mlops_assets.spec.base import duration

    if said["override"] and not expires:
        raise NoVerdict.of("an override needs an expiry", step="say how long it stands: --expires 14d")
    try:
        lasts = duration(expires) if expires else timedelta(0)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--expires") from error
    days = lasts / timedelta(days=1) if isinstance(lasts, timedelta) else 0.0
    by_hand.run(home, model, keys.promote_job(model), f"{model}_release", {**said, "expires_days": days})
    click.echo(told(model))
