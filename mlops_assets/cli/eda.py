"""`mlops eda`: the whole report of any version of a dataset, drawn when it is asked for."""

from pathlib import Path

import click


@click.command()
@click.argument("dataset")
@click.option("--version", type=int, help="Of the clean table; default: the newest.")
@click.option("--again", is_flag=True, help="Draw it again, although it is there.")
@click.option("--home", type=click.Path(path_type=Path), help="The folder that holds data/; default: here.")
def eda(dataset: str, version: int | None, again: bool, home: Path | None) -> None:
    """Draw the whole exploration of DATASET, and say where it is."""
    from mlops_assets.cli.datasets import one
    from mlops_assets.cli.home import prepare
    from mlops_assets.resources.stores import Stores
    from mlops_assets.rooms.explore.shelf import place

    prepare(home)
    stores = Stores()
    found = place(stores.reports(), stores.lake(), one(dataset), version, again=again, kept=stores.profiles())
    click.echo(f"{found.path}\n{found.url}")
