"""`mlops retrain`: a person's demand, which the retrain room answers at its next tick."""

from pathlib import Path

import click

from mlops_assets.errors import UnknownName


@click.command()
@click.argument("model")
@click.option("--reason", required=True, help="Why; it is recorded with the request.")
@click.option("--home", type=click.Path(path_type=Path), help="The folder that holds data/; default: here.")
def retrain(model: str, reason: str, home: Path | None) -> None:
    """Ask for a challenger of MODEL."""
    from mlops_assets.cli.home import prepare
    from mlops_assets.cli.nouns import nouns
    from mlops_assets.definitions import definitions
    from mlops_assets.resources.stores import Stores

    prepare(home)
    known = nouns(definitions()).models
    if model not in known:
        raise UnknownName.among("model", model, known)
    record = Stores().lineage().append("demand", model, {"reason": reason})
    click.echo(f"demand {record.sequence} for {model} is recorded; the sensor {model}_retrain answers it next")
